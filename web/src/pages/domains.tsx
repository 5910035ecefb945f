// SPDX-License-Identifier: Apache-2.0
// Domains, and the DNS records that each should have.
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { FormDialog, RemoveConfirm, ShowDialog } from "../components/dialog";
import { Text } from "../components/form";
import { Empty, Loaded, Page, Panel } from "../components/parts";
import { Pages, SearchTool, Table, usePaging, type Column } from "../components/table";
import { ask, type Answer } from "../core/api";
import { useMayChange } from "../core/session";
import { useAction, useAnswer } from "../core/use";
import { texts } from "../texts";
import { DnsRecords } from "./records";

const t = texts.domains;

type Domain = Answer<"GET /domains">["domains"][number];

function AddDomain({ close, done }: { close: () => void; done: () => void }) {
	const [name, name_set] = useState("");
	const add = useAction(async () => {
		await ask("POST /domains", { body: { name } });
		announce(texts.common.added(name));
		done();
	});
	return (
		<FormDialog title={t.add} verb={t.add} action={add} close={close}>
			<Text label={t.name} name="name" value={name} change={name_set} placeholder="example.org" hint={t.name_hint} />
		</FormDialog>
	);
}

interface Open {
	kind: "records" | "remove";
	name: string;
}

const columns = (may_change: boolean, open: (what: Open) => void): Column<Domain>[] => [
	{ title: t.name, cell: (domain) => <span class="break">{domain.name}</span> },
	{ title: texts.common.actions, unseen: true, kind: "act", cell: (domain) => (
		<>
			<button type="button" class="button tight" onClick={() => open({ kind: "records", name: domain.name })}>{t.records}<span class="unseen"> {domain.name}</span></button>{" "}
			{may_change && <button type="button" class="button tight" onClick={() => open({ kind: "remove", name: domain.name })}>{texts.common.remove}<span class="unseen"> {domain.name}</span></button>}
		</>
	) },
];

export function Domains() {
	const paging = usePaging();
	const domains = useAnswer("GET /domains", { query: paging.query });
	const may_change = useMayChange();
	const [open, open_set] = useState<Open | "add" | null>(null);
	const done = () => {
		open_set(null);
		domains.reload();
	};
	const close = () => open_set(null);
	const add = may_change && <button type="button" class="button main" onClick={() => open_set("add")}>{t.add}</button>;
	return (
		<Page title={t.title} lead={t.lead} actions={add}>
			<Panel bare footer={<Pages paging={paging} shown={domains.answer?.domains.length ?? 0} total={domains.answer?.total} next={domains.answer?.next} />}>
				<SearchTool paging={paging} label={t.search} />
				<Loaded held={domains}>
					{(answer) => <Table caption={t.title} columns={columns(may_change, open_set)} rows={answer.domains} row_key={(domain) => domain.name} empty={<Empty title={t.none}><p>{t.none_text}</p></Empty>} />}
				</Loaded>
			</Panel>
			{open === "add" && <AddDomain close={close} done={done} />}
			{open !== null && open !== "add" && open.kind === "remove" && <RemoveConfirm title={t.remove(open.name)} text={t.remove_text} remove={() => ask("DELETE /domains/{name}", { path: { name: open.name } })} said={texts.common.removed(open.name)} close={close} done={done} />}
			{open !== null && open !== "add" && open.kind === "records" && <ShowDialog title={t.records_of(open.name)} close={close}><DnsRecords domain={open.name} /></ShowDialog>}
		</Page>
	);
}
