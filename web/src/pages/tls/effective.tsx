// SPDX-License-Identifier: Apache-2.0
// What is in force: each service and client with its versions, suites, groups, and what was relaxed.
import { useState } from "preact/hooks";
import { ShowDialog } from "../../components/dialog";
import { Facts, Loaded, Mark, Panel, Versions } from "../../components/parts";
import { Table, type Column } from "../../components/table";
import type { Answer } from "../../core/api";
import { useAnswer } from "../../core/use";
import { texts } from "../../texts";

const t = texts.tls.effective;

type Show = Answer<"GET /tls">;
type Policy = Show["clients"][number] & Partial<Show["services"][number]>;
interface Row {
	key: string;
	way: "in" | "out";
	policy: Policy;
}

function floor_words(policy: Policy): string {
	const floor = policy.floor;
	if (!floor) return texts.common.none;
	return t.floor(floor.protocol, floor.mode, floor.date ?? null, floor.mode_later ?? null);
}

function Details({ row, close }: { row: Row; close: () => void }) {
	const policy = row.policy;
	return (
		<ShowDialog title={t.details(policy.name, row.way)} close={close}>
			<Facts rows={[
				[t.versions, <Versions names={policy.protocols} />],
				[t.order, policy.preference === "server" ? t.order_server : t.order_client],
				[t.groups, policy.groups.join(", ") || texts.common.none],
				[t.dhe, policy.dhe_bits ? `${policy.dhe_bits} bit` : texts.common.off],
				[t.rung, floor_words(policy)],
				...(policy.relaxed.map((each) => [t.relaxed, `${each.what}: ${each.by}`] as const)),
			]} />
			<div class="stack tight">
				<h3>{t.suites(policy.suites.length)}</h3>
				<ol class="mono small">{policy.suites.map((suite) => <li key={suite}>{suite}</li>)}</ol>
			</div>
		</ShowDialog>
	);
}

function rows_of(show: Show): Row[] {
	return [
		...show.services.map((policy) => ({ key: `in ${policy.name}`, way: "in" as const, policy: policy as Policy })),
		...show.clients.map((policy) => ({ key: `out ${policy.name}`, way: "out" as const, policy: policy as Policy })),
	];
}

const columns = (open: (row: Row) => void): Column<Row>[] => [
	{ title: t.service, cell: (row) => <button type="button" class="button cell" onClick={() => open(row)}>{row.way === "in" ? row.policy.name : t.client(row.policy.name)}</button> },
	{ title: t.direction, cell: (row) => (row.way === "in" ? texts.tls.inbound_short : texts.tls.outbound_short) },
	{ title: t.port, kind: "right num", cell: (row) => row.policy.port ?? "" },
	{ title: t.versions, cell: (row) => <Versions names={row.policy.protocols} /> },
	{ title: t.suites_short, kind: "right num", cell: (row) => row.policy.suites.length },
	{ title: t.rung, cell: (row) => (row.policy.floor ? <Mark tone="accent">{floor_words(row.policy)}</Mark> : <span class="soft">{texts.common.none}</span>) },
	{ title: t.table, kind: "mono", cell: (row) => row.policy.table },
];

/** Asks again when `turn` changes. */
export function Effective({ turn }: { turn: string }) {
	const show = useAnswer("GET /tls", {}, 0, turn);
	const [open, open_set] = useState<Row | null>(null);
	return (
		<Panel title={t.title} lead={t.lead} bare>
			<Loaded held={show}>
				{(answer) => <Table caption={t.title} columns={columns(open_set)} rows={rows_of(answer)} row_key={(row) => row.key} />}
			</Loaded>
			{open && <Details row={open} close={() => open_set(null)} />}
		</Panel>
	);
}
