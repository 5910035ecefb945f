// SPDX-License-Identifier: Apache-2.0
// The record of changes, whose entries hold each other by their hashes, and whether it is as it was written.
import { Difference, Empty, Facts, FaultNote, Loaded, Note, Panel } from "../../components/parts";
import { Pages, SearchTool, Table, usePaging, type Column } from "../../components/table";
import type { Answer } from "../../core/api";
import { time } from "../../core/format";
import { useAnswer } from "../../core/use";
import { texts } from "../../texts";

const t = texts.tls.evidence;

type Entry = Answer<"GET /evidence">["entries"][number];

const columns: Column<Entry>[] = [
	{ title: t.number, kind: "right num", cell: (entry) => entry.sequence },
	{ title: t.time, kind: "nowrap num", cell: (entry) => time(entry.time) },
	{ title: t.who, cell: (entry) => <>{entry.who}<span class="sub">{entry.from}</span></> },
	{ title: t.kind, kind: "nowrap", cell: (entry) => entry.kind },
	{ title: t.what, cell: (entry) => <>{entry.text && <div class="break">{entry.text}</div>}{entry.changes.length > 0 && <Difference changes={entry.changes} />}</> },
	{ title: t.hash, kind: "mono nowrap", cell: (entry) => <span title={entry.hash}>{entry.hash.slice(0, 12)}</span> },
];

function Verification() {
	const verified = useAnswer("GET /evidence/verify");
	const again = <button type="button" class="button tight" onClick={verified.reload}>{t.verify}</button>;
	return (
		<Panel title={t.verification} lead={t.verification_lead} actions={again}>
			{verified.fault && <FaultNote fault={verified.fault} />}
			<Loaded held={verified}>
				{(answer) => (
					<>
						{answer.faults.length === 0
							? <Note tone="good" title={t.whole} role="status">{t.whole_text(answer.entries)}</Note>
							: <Note tone="bad" title={t.broken} role="alert"><ul>{answer.faults.map((fault) => <li key={fault} class="break">{fault}</li>)}</ul></Note>}
						<Facts rows={[[t.entries, answer.entries], [t.last_hash, <span class="mono break">{answer.hash}</span>]]} />
					</>
				)}
			</Loaded>
		</Panel>
	);
}

export function Evidence() {
	const paging = usePaging(50);
	const record = useAnswer("GET /evidence", { query: paging.query });
	return (
		<>
			<Verification />
			<Panel title={t.title} lead={t.lead} bare footer={<Pages paging={paging} shown={record.answer?.entries.length ?? 0} total={record.answer?.total} next={record.answer?.next} />}>
				<SearchTool paging={paging} label={t.search} />
				<Loaded held={record}>
					{(answer) => <Table caption={t.title} columns={columns} rows={answer.entries} row_key={(entry) => entry.sequence} empty={<Empty title={t.empty} />} />}
				</Loaded>
			</Panel>
		</>
	);
}
