// SPDX-License-Identifier: Apache-2.0
// Relay rules, and the passwords with which this server logs in at others.
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { FormDialog, RemoveConfirm } from "../components/dialog";
import { Text } from "../components/form";
import { Empty, Loaded, Panel } from "../components/parts";
import { RowsPage, type Kinds, type Row } from "../components/rows";
import { Table, type Column } from "../components/table";
import { ask } from "../core/api";
import { useMayChange } from "../core/session";
import { useAction, useAnswer } from "../core/use";
import { texts } from "../texts";

const t = texts.relay;
const p = texts.passwords;

const kinds: Kinds = { Tls: t.tls_kinds, Level: t.levels };

const columns: Column<Row>[] = [
	{ title: t.host, cell: (row) => row.values.Host },
	{ title: t.sender, cell: (row) => <span class="break">{row.values.Sender || t.everybody}</span> },
	{ title: t.recipient, cell: (row) => <span class="break">{row.values.Recipient || t.everywhere}</span> },
	{ title: t.tls, cell: (row) => row.values.Tls || "starttls" },
	{ title: t.level, cell: (row) => row.values.Level || (row.values.User ? "verify" : "may") },
	{ title: t.user, cell: (row) => <span class="break">{row.values.User || texts.common.none}</span> },
	{ title: t.comment, cell: (row) => <span class="break">{row.values.Comment}</span> },
];

function SetPassword({ name: given, close, done }: { name: string; close: () => void; done: () => void }) {
	const [name, name_set] = useState(given);
	const [password, password_set] = useState("");
	const save = useAction(async () => {
		await ask("POST /remote-passwords", { body: { name, password } });
		announce(texts.common.saved);
		done();
	});
	return (
		<FormDialog title={p.set} verb={texts.common.save} action={save} close={close}>
			<Text label={p.name} name="name" value={name} change={name_set} hint={p.name_hint} disabled={given !== ""} />
			<Text label={p.password} name="password" type="password" value={password} change={password_set} autocomplete="new-password" />
		</FormDialog>
	);
}

/** The names of kept passwords; what they are is never shown. */
export function RemotePasswords() {
	const held = useAnswer("GET /remote-passwords");
	const may_change = useMayChange();
	const [setting, setting_set] = useState<string | null>(null);
	const [removing, removing_set] = useState<string | null>(null);
	const done = () => {
		setting_set(null);
		removing_set(null);
		held.reload();
	};
	const columns: Column<string>[] = [
		{ title: p.name, cell: (name) => <span class="break">{name}</span> },
		{ title: texts.common.actions, unseen: true, kind: "act", cell: (name) => may_change && (
			<>
				<button type="button" class="button tight" onClick={() => setting_set(name)}>{p.replace}<span class="unseen"> {name}</span></button>{" "}
				<button type="button" class="button tight" onClick={() => removing_set(name)}>{texts.common.remove}<span class="unseen"> {name}</span></button>
			</>
		) },
	];
	return (
		<Panel title={p.title} lead={p.lead} bare actions={may_change && <button type="button" class="button tight" onClick={() => setting_set("")}>{p.set}</button>}>
			<Loaded held={held}>
				{(answer) => <Table caption={p.title} columns={columns} rows={answer.names} row_key={(name) => name} empty={<Empty title={p.none} />} />}
			</Loaded>
			{setting !== null && <SetPassword name={setting} close={() => setting_set(null)} done={done} />}
			{removing !== null && <RemoveConfirm title={p.remove(removing)} text={p.remove_text} remove={() => ask("DELETE /remote-passwords/{name}", { path: { name: removing } })} said={texts.common.removed(removing)} close={() => removing_set(null)} done={done} />}
		</Panel>
	);
}

export function RelayRules() {
	return (
		<RowsPage list="RelayRule" words={t} kinds={kinds} columns={columns} name={(row) => row.values.Host ?? ""}>
			{() => <RemotePasswords />}
		</RowsPage>
	);
}
