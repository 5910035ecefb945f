// SPDX-License-Identifier: Apache-2.0
// Requests for a CA whose private keys wait here: made, shown again, given up.
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { FormDialog, RemoveConfirm, ShowDialog } from "../components/dialog";
import { Select, Text } from "../components/form";
import { Panel } from "../components/parts";
import { Table, type Column } from "../components/table";
import { ask, type Answer } from "../core/api";
import { time } from "../core/format";
import { useMayChange } from "../core/session";
import { useAction } from "../core/use";
import { texts } from "../texts";

const t = texts.certificates;

export type Waiting = Answer<"GET /certificates/requests">["requests"][number];

async function copy(text: string) {
	await navigator.clipboard.writeText(text);
	announce(t.csr_copied);
}

/** The request itself, to be taken to the CA. */
export function RequestText({ request, close }: { request: Waiting; close: () => void }) {
	const more = <button type="button" class="button main" onClick={() => void copy(request.request)}>{texts.records.copy}</button>;
	return (
		<ShowDialog title={t.csr_of(request.name)} close={close} more={more}>
			<p class="soft">{t.csr_next}</p>
			<p class="break">{request.names.join(", ")}</p>
			<textarea class="mono" rows={12} readOnly aria-label={t.csr_made} value={request.request} spellcheck={false} />
		</ShowDialog>
	);
}

export function RequestForm({ close, done }: { close: () => void; done: (made: Waiting) => void }) {
	const [name, name_set] = useState("server");
	const [hosts, hosts_set] = useState("");
	const [key_type, key_type_set] = useState("ecdsa");
	const names = hosts.split(/[\s,]+/).filter(Boolean);
	const make = useAction(async () => {
		const made = await ask("POST /certificates/csr", { body: { name, key_type, ...(names.length > 0 ? { hosts: names } : {}) } });
		announce(t.csr_done(name));
		done(made);
	});
	return (
		<FormDialog title={t.csr} verb={t.csr_verb} lead={t.csr_lead} action={make} close={close} large>
			<Text label={t.name} name="name" hint={t.csr_name_hint} value={name} change={name_set} />
			<Text label={t.hosts} name="hosts" hint={t.hosts_hint} value={hosts} change={hosts_set} lines={2} />
			<Select label={t.key_type} name="key_type" value={key_type} change={key_type_set} options={t.new_key_types} />
		</FormDialog>
	);
}

/** What waits for a certificate; nothing where nothing does. */
export function Requests({ requests, changed }: { requests: readonly Waiting[]; changed: () => void }) {
	const [shown, shown_set] = useState<Waiting | null>(null);
	const [removed, removed_set] = useState<Waiting | null>(null);
	const may_change = useMayChange();
	if (requests.length === 0) return null;
	const columns: Column<Waiting>[] = [
		{ title: t.name, cell: (row) => <button type="button" class="button cell break" onClick={() => shown_set(row)}>{row.name}</button> },
		{ title: t.names, cell: (row) => <span class="break">{row.names.join(", ")}</span> },
		{ title: t.key, kind: "nowrap", cell: (row) => `${row.kind} ${row.bits}` },
		{ title: t.csr_since, kind: "nowrap num", cell: (row) => time(row.since) },
		{ title: texts.common.actions, unseen: true, kind: "act", cell: (row) => may_change && <button type="button" class="button tight" onClick={() => removed_set(row)}>{t.csr_remove}<span class="unseen"> {row.name}</span></button> },
	];
	return (
		<Panel title={t.csr_waiting} lead={t.csr_waiting_lead} bare>
			<Table caption={t.csr_waiting} columns={columns} rows={requests} row_key={(row) => row.name} />
			{shown && <RequestText request={shown} close={() => shown_set(null)} />}
			{removed && <RemoveConfirm title={t.csr_remove_title(removed.name)} text={t.csr_remove_text} remove={() => ask("DELETE /certificates/requests/{name}", { path: { name: removed.name } })} said={t.csr_removed} close={() => removed_set(null)} done={changed} />}
		</Panel>
	);
}
