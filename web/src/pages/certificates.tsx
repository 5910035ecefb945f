// SPDX-License-Identifier: Apache-2.0
// Certificates: what there is, what serves whom, and the ways to new ones.
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { FormDialog, ShowDialog } from "../components/dialog";
import { Select, Text } from "../components/form";
import { Empty, Facts, Loaded, Mark, Page, Panel } from "../components/parts";
import { ProgressBar, useProgress } from "../components/progress";
import { Table, type Column } from "../components/table";
import { ask, type Answer } from "../core/api";
import { follow } from "../core/follow";
import { time } from "../core/format";
import { useMayChange } from "../core/session";
import { useAction, useAnswer } from "../core/use";
import { texts } from "../texts";
import { Import, Problems, Until } from "./certificate_import";
import { RequestForm, Requests, RequestText, type Waiting } from "./certificate_requests";
import { ServedPanel } from "./certificate_served";

const t = texts.certificates;

const ways = ["request", "import", "csr", "self-signed"] as const;
type Way = (typeof ways)[number];

type Certificate = Answer<"GET /certificates">["certificates"][number];

/** What is to be done something about. */
const problems_of = (certificate: Certificate) => certificate.problems.filter((problem) => problem.severity !== "note");

const columns = (open: (certificate: Certificate) => void): Column<Certificate>[] => [
	{ title: t.name, cell: (row) => (
		<>
			<button type="button" class="button cell" onClick={() => open(row)}>{row.name}</button>
			<span class="sub break">{(row.names ?? []).join(", ")}</span>
		</>
	) },
	{ title: t.issuer, cell: (row) => <span class="break">{row.issuer}</span> },
	{ title: t.key, kind: "nowrap", cell: (row) => (row.kind ? `${row.kind} ${row.bits}` : "") },
	{ title: t.until, kind: "nowrap num", cell: (row) => <Until certificate={row} /> },
	{ title: t.serves, cell: (row) => (
		<>
			{row.services.length > 0 ? row.services.join(", ") : <span class="soft">{t.serves_none}</span>}
			<span class="sub">{row.is_default ? t.by_default : t.by_name}</span>
		</>
	) },
	{ title: t.state, cell: (row) => (
		<span class="marks">
			{row.in_force === true && <Mark tone="good">{t.in_force}</Mark>}
			{row.in_force === false && <Mark tone="warn">{t.not_in_force}</Mark>}
			{problems_of(row).length > 0 && <Mark tone={problems_of(row).some((problem) => problem.severity === "error") ? "bad" : "warn"}>{t.problems(problems_of(row).length)}</Mark>}
		</span>
	) },
];

function Details({ certificate, close }: { certificate: Certificate; close: () => void }) {
	return (
		<ShowDialog title={certificate.name} close={close}>
			<Problems problems={certificate.problems} />
			<Facts rows={[
				[t.names, (certificate.names ?? []).join(", ")],
				[t.subject, certificate.subject],
				[t.issuer, certificate.issuer],
				[t.valid, `${time(certificate.not_before)} – ${time(certificate.not_after)}`],
				[t.key, `${certificate.kind ?? ""} ${certificate.bits ?? ""}`],
				[t.sha256, <span class="mono">{certificate.sha256}</span>],
				[t.key_id, <span class="mono">{certificate.key_id}</span>],
				[t.scts, certificate.scts],
				[t.must_staple, certificate.must_staple ? texts.common.yes : texts.common.no],
				...(certificate.ocsp ? [[t.ocsp, `${certificate.ocsp.state} ${certificate.ocsp.text}`] as const] : []),
			]} />
		</ShowDialog>
	);
}

const names_of = (text: string) => text.split(/[\s,]+/).filter(Boolean);

function SelfSigned({ close, done }: { close: () => void; done: () => void }) {
	const [name, name_set] = useState("server");
	const [hosts, hosts_set] = useState("");
	const action = useAction(async () => {
		await ask("POST /certificates/self-signed", { body: { name, ...(names_of(hosts).length > 0 ? { hosts: names_of(hosts) } : {}) } });
		announce(t.made(name));
		done();
	});
	return (
		<FormDialog title={t.self_signed} verb={t.self_signed_verb} lead={t.self_signed_lead} action={action} close={close} large>
			<Text label={t.name} name="name" hint={t.name_hint} value={name} change={name_set} />
			<Text label={t.hosts} name="hosts" hint={t.hosts_hint} value={hosts} change={hosts_set} lines={2} />
		</FormDialog>
	);
}

function Request({ close, done }: { close: () => void; done: () => void }) {
	const [name, name_set] = useState("server");
	const [domains, domains_set] = useState("");
	const [challenge, challenge_set] = useState("");
	const [key_type, key_type_set] = useState("");
	const [progress, followed] = useProgress();
	const action = useAction(async () => {
		await followed((tell) => follow("POST /certificates/request", { body: { name, ...(names_of(domains).length > 0 ? { domains: names_of(domains) } : {}), ...(challenge ? { challenge } : {}), ...(key_type ? { key_type } : {}) } }, tell));
		announce(t.requested(name));
		done();
	});
	return (
		<FormDialog title={t.request} verb={action.busy ? t.request_running : t.request_verb} lead={t.request_lead} action={action} close={close} large>
			<Text label={t.name} name="name" hint={t.name_hint} value={name} change={name_set} />
			<Text label={t.hosts} name="domains" hint={t.domains_hint} value={domains} change={domains_set} lines={2} />
			<div class="pair">
				<Select label={t.challenge} name="challenge" value={challenge} change={challenge_set} options={t.challenges} />
				<Select label={t.key_type} name="key_type" value={key_type} change={key_type_set} options={t.key_types} />
			</div>
			{action.busy && <p class="soft" role="status">{t.request_waits}</p>}
			<ProgressBar label={t.request} progress={progress} />
		</FormDialog>
	);
}

export function Certificates() {
	const held = useAnswer("GET /certificates", {}, 30000);
	const may_change = useMayChange();
	const [way, way_set] = useState<Way | null>(null);
	const [shown, shown_set] = useState<Certificate | null>(null);
	const [made, made_set] = useState<Waiting | null>(null);
	const requests = useAnswer("GET /certificates/requests", {}, 30000);
	const served = useAnswer("GET /certificates/served", {}, 30000);
	const close = () => way_set(null);
	const done = () => {
		close();
		held.reload();
		requests.reload();
		served.reload();
	};
	const request_made = (request: Waiting) => {
		made_set(request);
		done();
	};
	const actions = may_change && ways.map((each) => (
		<button key={each} type="button" class={`button ${each === "request" ? "main" : ""}`} onClick={() => way_set(each)}>{t.ways[each]}</button>
	));
	return (
		<Page title={t.title} lead={t.lead} actions={actions}>
			<Panel bare>
				<Loaded held={held}>
					{(answer) => <Table caption={t.title} columns={columns(shown_set)} rows={answer.certificates} row_key={(row) => row.name} empty={<Empty title={t.none}><p>{t.none_text}</p></Empty>} />}
				</Loaded>
			</Panel>
			{held.answer?.certificates.some((row) => problems_of(row).length > 0) && (
				<Panel title={t.problems_title}>
					{held.answer.certificates.filter((row) => problems_of(row).length > 0).map((row) => <div class="stack tight" key={row.name}><h3>{row.name}</h3><Problems problems={row.problems} /></div>)}
				</Panel>
			)}
			<ServedPanel held={served} />
			<Requests requests={requests.answer?.requests ?? []} changed={requests.reload} />
			{made && <RequestText request={made} close={() => made_set(null)} />}
			{shown && <Details certificate={shown} close={() => shown_set(null)} />}
			{way === "request" && <Request close={close} done={done} />}
			{way === "import" && <Import close={close} done={done} />}
			{way === "csr" && <RequestForm close={close} done={request_made} />}
			{way === "self-signed" && <SelfSigned close={close} done={done} />}
		</Page>
	);
}
