// SPDX-License-Identifier: Apache-2.0
// Mailboxes at other servers whose mail is fetched: the rows, how the last visit went, and the next one now.
import { announce } from "../components/announce";
import { FaultNote, Mark } from "../components/parts";
import { ProgressBar, useProgress } from "../components/progress";
import { RowsPage, type Kinds, type Row } from "../components/rows";
import type { Column } from "../components/table";
import type { Answer } from "../core/api";
import { follow } from "../core/follow";
import { bytes, number, time } from "../core/format";
import { useMayChange } from "../core/session";
import { useAction, useAnswer } from "../core/use";
import { texts } from "../texts";
import { RemotePasswords } from "./relay";

const t = texts.pop3;
const refresh_ms = 10000;

type Account = Answer<"GET /downloads">["accounts"][number];

const kinds: Kinds = { Tls: t.tls_kinds, Enabled: texts.partners.switches, VerifyCertificate: texts.partners.switches, LeaveOnServer: texts.partners.switches };

/** What the last visit brought, or why it failed. */
function Last({ account }: { account: Account | undefined }) {
	const last = account?.last;
	if (!last) return <span class="soft">{t.never}</span>;
	return (
		<>
			<Mark tone={last.failed ? "bad" : "good"}>{last.failed ? t.failed(last.failures) : t.fetched(number(last.fetched), bytes(last.bytes))}</Mark>
			<span class="sub break">{last.why || last.tls}</span>
			<span class="sub">{time(last.ended ?? last.begun)}</span>
		</>
	);
}

export function Pop3Accounts() {
	const accounts = useAnswer("GET /downloads", {}, refresh_ms);
	const may_change = useMayChange();
	const [progress, followed] = useProgress();
	const run = useAction(async (name: string) => {
		announce(t.begun(name));
		const answer = await followed((tell) => follow("POST /downloads/run", { body: { name } }, tell));
		announce(answer.finding ? t.not_fetched(name) : t.ended(name));
		accounts.reload();
	});
	const account_of = (row: Row) => accounts.answer?.accounts.find((account) => account.name === row.values.Name);
	const columns: Column<Row>[] = [
		{ title: t.name, cell: (row) => row.values.Name },
		{ title: t.host, cell: (row) => <span class="break">{row.values.Host}</span> },
		{ title: t.user, cell: (row) => <span class="break">{row.values.User}</span> },
		{ title: t.to, cell: (row) => <span class="break">{row.values.DeliverTo}</span> },
		{ title: t.last, cell: (row) => <Last account={account_of(row)} /> },
		{ title: t.next, kind: "nowrap num", cell: (row) => time(account_of(row)?.next ?? null) },
	];
	const acts = (row: Row) => may_change && <button type="button" class="button tight" disabled={run.busy} onClick={() => run.run(row.values.Name ?? "")}>{t.run}<span class="unseen"> {row.values.Name}</span></button>;
	return (
		<RowsPage list="Pop3Account" words={t} kinds={kinds} columns={columns} name={(row) => row.values.Name ?? ""} acts={acts}>
			{() => <><ProgressBar label={t.run} progress={progress} /><FaultNote fault={run.fault} /><RemotePasswords /></>}
		</RowsPage>
	);
}
