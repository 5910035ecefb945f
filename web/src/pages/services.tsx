// SPDX-License-Identifier: Apache-2.0
// Services: which listen, where, and with what limits.
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { FormDialog } from "../components/dialog";
import { Choice, Select, Text } from "../components/form";
import { FaultNote, Loaded, Mark, Note, Page, Panel } from "../components/parts";
import { Table, type Column } from "../components/table";
import { HandEdits, is_conflict, Outdated } from "../components/together";
import { ask, type Answer } from "../core/api";
import { number } from "../core/format";
import { useMayChange } from "../core/session";
import { useSteady, type Steady } from "../core/steady";
import { useAction } from "../core/use";
import { texts } from "../texts";

const t = texts.services;

type Service = Answer<"GET /services">["services"][number];

/** What a form changes, by the names of mailserver.cfg. */
function differences(service: Service, now: Record<string, string>): Record<string, string> {
	const before = values_of(service);
	return Object.fromEntries(Object.entries(now).filter(([name, value]) => value !== before[name]));
}

function values_of(service: Service): Record<string, string> {
	const bit = (value: boolean | undefined) => (value ? "1" : "0");
	return {
		Port: String(service.port ?? ""),
		Addresses: service.addresses.join(","),
		MaxConnections: String(service.max_connections ?? ""),
		Tls: service.tls,
		RequireTls: bit(service.require_tls),
		AllowPlainLogin: bit(service.allow_plain_login),
		SessionTickets: bit(service.session_tickets),
		ClientCertificates: bit(service.client_certificates),
	};
}

/** Who moves the door of this page has so long to come in by the new one. */
const door_within = "5m";

interface EditProps {
	service: Service;
	steady: Steady<"GET /services">;
	close: () => void;
	/** Told where this page is found when it has moved. */
	moved: (address: string) => void;
}

function Edit({ service, steady, close, moved }: EditProps) {
	const [values, values_set] = useState(values_of(service));
	const set = (name: string) => (value: string) => values_set({ ...values, [name]: value });
	const flag = (name: string) => (on: boolean) => values_set({ ...values, [name]: on ? "1" : "0" });
	const changed = differences(service, values);
	const is_door = service.name === "HTTPS" && ("Port" in changed || "Addresses" in changed);
	const save = useAction(async () => {
		await steady.change(() => ask("PATCH /services/{name}", { path: { name: service.name }, body: { values: changed, generation: steady.generation, ...(is_door ? { confirm_within: door_within } : {}) } }));
		announce(is_door ? t.moved : texts.common.saved);
		if (is_door) moved(`https://${location.hostname}:${values.Port}/#/services`);
		close();
	});
	return (
		<FormDialog title={service.name} verb={texts.common.save} action={save} close={close} standing={steady} idle={Object.keys(changed).length === 0}>
			{service.name === "HTTPS" && <Note tone={is_door ? "warn" : "plain"} role="status">{is_door ? t.own_moves : t.own}</Note>}
			<div class="pair">
				<Text label={t.port} name="Port" type="number" value={values.Port!} change={set("Port")} />
				<Text label={t.max} name="MaxConnections" type="number" value={values.MaxConnections!} change={set("MaxConnections")} />
			</div>
			<Text label={t.addresses} name="Addresses" value={values.Addresses!} change={set("Addresses")} hint={t.addresses_hint} />
			{service.tls !== "none" && (
				<>
					<Select label={t.tls} name="Tls" value={values.Tls!} change={set("Tls")} options={t.tls_kinds} />
					<Choice label={t.require_tls} hint={t.require_tls_hint} checked={values.RequireTls === "1"} change={flag("RequireTls")} />
					<Choice label={t.plain_login} hint={t.plain_login_hint} checked={values.AllowPlainLogin === "1"} change={flag("AllowPlainLogin")} />
					<Choice label={t.tickets} hint={t.tickets_hint} checked={values.SessionTickets === "1"} change={flag("SessionTickets")} />
					<Choice label={t.client_certificates} hint={t.client_certificates_hint} checked={values.ClientCertificates === "1"} change={flag("ClientCertificates")} />
				</>
			)}
		</FormDialog>
	);
}

const columns = (may_change: boolean, edit: (service: Service) => void, toggle: (service: Service) => void, busy: boolean): Column<Service>[] => [
	{ title: t.name, cell: (service) => (may_change ? <button type="button" class="button cell" onClick={() => edit(service)}>{service.name}</button> : service.name) },
	{ title: t.state, cell: (service) => (service.enabled ? <Mark tone={service.listening.length === 0 ? "bad" : "good"}>{service.listening.length === 0 ? t.not_listening : t.runs}</Mark> : <Mark>{t.stopped}</Mark>) },
	{ title: t.port, kind: "right num", cell: (service) => service.port },
	{ title: t.addresses, kind: "mono", cell: (service) => <span class="break">{service.addresses.length > 0 ? service.addresses.join(", ") : t.all_addresses}</span> },
	{ title: t.tls, cell: (service) => t.tls_names[service.tls as keyof typeof t.tls_names] ?? service.tls },
	{ title: t.table, kind: "mono", cell: (service) => service.table },
	{ title: t.max_short, kind: "right num", cell: (service) => number(service.max_connections) },
	{ title: texts.common.actions, unseen: true, kind: "act", cell: (service) => may_change && service.name !== "HTTPS" && (
		<button type="button" class="button tight" disabled={busy} onClick={() => toggle(service)}>{service.enabled ? t.stop : t.start}<span class="unseen"> {service.name}</span></button>
	) },
];

export function Services() {
	const may_change = useMayChange();
	const [open, open_set] = useState<Service | null>(null);
	const [moved, moved_set] = useState<string | null>(null);
	const services = useSteady("GET /services", open !== null);
	const toggle = useAction(async (service: Service) => {
		await services.change(() => ask(service.enabled ? "POST /services/{name}/stop" : "POST /services/{name}/start", { path: { name: service.name }, body: { generation: services.generation } }));
		announce(service.enabled ? t.stopped_now(service.name) : t.started_now(service.name));
	});
	return (
		<Page title={t.title} lead={t.lead}>
			{is_conflict(toggle.fault) ? <Outdated standing={services} fault={toggle.fault} drop={toggle.clear} /> : <FaultNote fault={toggle.fault} />}
			{moved && <Note tone="warn" title={t.moved} role="alert"><p>{t.moved_text}</p><p><a href={moved}>{moved}</a></p></Note>}
			{services.answer && <HandEdits edits={services.answer.edits} />}
			<Panel bare>
				<Loaded held={services}>
					{(answer) => <Table caption={t.title} columns={columns(may_change, open_set, (service) => void toggle.run(service), toggle.busy)} rows={answer.services} row_key={(service) => service.name} />}
				</Loaded>
			</Panel>
			{open && <Edit service={open} steady={services} close={() => open_set(null)} moved={moved_set} />}
		</Page>
	);
}
