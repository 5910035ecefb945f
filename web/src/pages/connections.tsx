// SPDX-License-Identifier: Apache-2.0
// Who is connected now, and with what.
import { useState } from "preact/hooks";
import { Empty, Loaded, Page, Panel, Version } from "../components/parts";
import { SearchTool, Table, Pages, usePaging, type Column } from "../components/table";
import type { Answer } from "../core/api";
import { date_of, span } from "../core/format";
import { useAnswer, useClock } from "../core/use";
import { texts } from "../texts";

const t = texts.connections;
const refresh_ms = 3000;

type Connection = Answer<"GET /connections">["connections"][number];

const columns = (now: number): Column<Connection>[] => [
	{ title: t.service, cell: (row) => row.service },
	{ title: t.peer, kind: "mono", cell: (row) => <span class="break">{row.peer}</span> },
	{ title: t.user, cell: (row) => (row.user ? <span class="break">{row.user}</span> : <span class="soft">{t.nobody}</span>) },
	{ title: t.since, kind: "num nowrap", cell: (row) => span((now - date_of(row.since).getTime()) / 1000) },
	{ title: t.version, cell: (row) => (row.version ? <Version name={row.version} /> : <span class="soft">{t.clear}</span>) },
	{ title: t.suite, kind: "mono", cell: (row) => <><span class="break">{row.suite}</span>{row.resumed && <span class="sub">{t.resumed}</span>}</> },
	{ title: t.group, kind: "mono nowrap", cell: (row) => row.group },
];

export function Connections() {
	const paging = usePaging(100);
	const [service, service_set] = useState("");
	const connections = useAnswer("GET /connections", { query: { ...paging.query, ...(service ? { service } : {}) } }, refresh_ms);
	const now = useClock(true);
	return (
		<Page title={t.title} lead={t.lead}>
			<Panel bare footer={<Pages paging={paging} shown={connections.answer?.connections.length ?? 0} total={connections.answer?.total} next={connections.answer?.next} />}>
				<SearchTool paging={paging} label={t.search}>
					<select aria-label={t.service} value={service} onChange={(event) => service_set(event.currentTarget.value)}>
						<option value="">{t.every_service}</option>
						{["SMTP", "Submission", "SMTPS", "IMAP", "IMAPS", "POP3", "POP3S", "HTTPS"].map((name) => <option key={name} value={name}>{name}</option>)}
					</select>
				</SearchTool>
				<Loaded held={connections}>
					{(answer) => <Table caption={t.title} columns={columns(now)} rows={answer.connections} row_key={(row) => row.id} empty={<Empty title={t.none}><p>{t.none_text}</p></Empty>} />}
				</Loaded>
			</Panel>
		</Page>
	);
}
