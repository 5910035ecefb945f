// SPDX-License-Identifier: Apache-2.0
// The message queue: what waits, why, and orders about it.
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { Confirm, ShowDialog } from "../components/dialog";
import { Empty, Facts, FaultNote, Loaded, Mark, Page, Panel } from "../components/parts";
import { ProgressBar, useProgress } from "../components/progress";
import { Pages, SearchTool, Table, usePaging, type Column } from "../components/table";
import type { Answer } from "../core/api";
import { follow } from "../core/follow";
import { ago, bytes, date_of, time } from "../core/format";
import { useMayChange } from "../core/session";
import { useAction, useAnswer } from "../core/use";
import { texts } from "../texts";

const t = texts.queue;
const refresh_ms = 10000;

type Entry = Answer<"GET /queue">["queue"][number];
type Recipient = Entry["recipients"][number];
type Order = "retry" | "hold" | "release" | "remove";

function next_try(recipient: Recipient): string {
	if (recipient.held) return t.held;
	return date_of(recipient.next) <= new Date() ? t.now : time(recipient.next);
}

/** The reasons why an entry waits, each once. */
function Reasons({ entry }: { entry: Entry }) {
	const reasons = [...new Set(entry.recipients.map((recipient) => recipient.status).filter(Boolean))];
	if (reasons.length === 0) return <span class="soft">{t.not_tried}</span>;
	return <>{reasons.slice(0, 3).map((reason) => <div key={reason} class="break">{reason}</div>)}</>;
}

function Orders({ ids, run, busy, held }: { ids: readonly string[] | "all"; run: (order: Order, ids: readonly string[] | "all") => void; busy: boolean; held: boolean | null }) {
	const orders: Order[] = held === null ? ["retry", "hold", "release", "remove"] : ["retry", held ? "release" : "hold", "remove"];
	return (
		<span class="actions">
			{orders.map((order) => (
				<button key={order} type="button" class={`button tight ${order === "remove" ? "danger" : ""}`} disabled={busy || ids.length === 0} onClick={() => run(order, ids)}>{t.orders[order]}</button>
			))}
		</span>
	);
}

function Details({ id, close, run, busy }: { id: string; close: () => void; run: (order: Order, ids: readonly string[] | "all") => void; busy: boolean }) {
	const held = useAnswer("GET /queue/{id}", { path: { id } });
	const may_change = useMayChange();
	const recipients: Column<Recipient>[] = [
		{ title: t.recipient, cell: (recipient) => <span class="break">{recipient.address}</span> },
		{ title: t.attempts, kind: "right num", cell: (recipient) => recipient.attempts },
		{ title: t.next, kind: "nowrap num", cell: next_try },
		{ title: t.why, cell: (recipient) => <>{recipient.status || <span class="soft">{t.not_tried}</span>}{recipient.host && <span class="sub break">{recipient.host}</span>}</> },
	];
	const orders = may_change && <Orders ids={[id]} run={run} busy={busy} held={held.answer?.recipients.every((recipient) => recipient.held) ?? false} />;
	return (
		<ShowDialog title={t.message(id)} close={close} more={orders}>
			<Loaded held={held}>
				{(entry) => (
					<>
						<Facts rows={[
							[t.sender, entry.sender || t.empty_sender],
							[t.user, entry.user || texts.common.none],
							[t.received, time(entry.received)],
							[t.size, bytes(entry.size)],
							[t.message_id, <span class="mono break">{entry.message_id}</span>],
						]} />
						<Table caption={t.recipients} columns={recipients} rows={entry.recipients} row_key={(recipient) => recipient.address} />
					</>
				)}
			</Loaded>
		</ShowDialog>
	);
}

interface Selection {
	chosen: ReadonlySet<string>;
	toggle: (id: string) => void;
}

const columns = (selection: Selection, open: (id: string) => void): Column<Entry>[] => [
	{ title: t.choose, unseen: true, cell: (entry) => <input type="checkbox" aria-label={t.choose_one(entry.id)} checked={selection.chosen.has(entry.id)} onChange={() => selection.toggle(entry.id)} /> },
	{ title: t.id, kind: "nowrap", cell: (entry) => <button type="button" class="button cell mono" onClick={() => open(entry.id)}>{entry.id}</button> },
	{ title: t.addresses, cell: (entry) => (
		<>
			<span class="break">{entry.sender || t.empty_sender}</span>
			<span class="sub break">→ {entry.recipients[0]?.address}{entry.recipients.length > 1 && ` ${t.and_more(entry.recipients.length - 1)}`}</span>
		</>
	) },
	{ title: t.why, cell: (entry) => <Reasons entry={entry} /> },
	{ title: t.next, kind: "nowrap", cell: (entry) => (entry.recipients.every((recipient) => recipient.held) ? <Mark tone="warn">{t.held}</Mark> : entry.recipients[0] && next_try(entry.recipients[0])) },
	{ title: t.received, kind: "nowrap", cell: (entry) => <span title={time(entry.received)}>{ago(entry.received)}</span> },
	{ title: t.size, kind: "right num nowrap", cell: (entry) => bytes(entry.size) },
];

export function Queue() {
	const paging = usePaging();
	const queue = useAnswer("GET /queue", { query: paging.query }, refresh_ms);
	const may_change = useMayChange();
	const [chosen, chosen_set] = useState<ReadonlySet<string>>(new Set());
	const [open, open_set] = useState<string | null>(null);
	const [removing, removing_set] = useState<readonly string[] | "all" | null>(null);

	const [progress, followed] = useProgress();

	const carry_out = useAction(async (order: Order, ids: readonly string[] | "all") => {
		await followed((tell) => follow(`POST /queue/${order}`, { body: { ids: ids === "all" ? ["all"] : [...ids] } }, tell));
		announce(t.done[order](ids === "all" ? null : ids.length));
		chosen_set(new Set());
		open_set(null);
		queue.reload();
	});
	const remove = { ...carry_out, run: () => carry_out.run("remove", removing!) };
	const run = (order: Order, ids: readonly string[] | "all") => (order === "remove" ? removing_set(ids) : void carry_out.run(order, ids));
	const toggle = (id: string) => {
		const next = new Set(chosen);
		next.has(id) ? next.delete(id) : next.add(id);
		chosen_set(next);
	};
	const is_any = (queue.answer?.queue.length ?? 0) > 0;
	return (
		<Page title={t.title} lead={t.lead}>
			<FaultNote fault={carry_out.fault} />
			{removing === null && <ProgressBar label={t.progress} progress={progress} />}
			<Panel bare footer={<Pages paging={paging} shown={queue.answer?.queue.length ?? 0} total={queue.answer?.total} next={queue.answer?.next} />}>
				<SearchTool paging={paging} label={t.search}>
					{may_change && is_any && <Orders ids={chosen.size > 0 ? [...chosen] : "all"} run={run} busy={carry_out.busy} held={null} />}
					{may_change && is_any && <span class="soft small">{chosen.size > 0 ? t.chosen(chosen.size) : t.all_chosen}</span>}
				</SearchTool>
				<Loaded held={queue}>
					{(answer) => <Table caption={t.title} columns={columns({ chosen, toggle }, open_set)} rows={answer.queue} row_key={(entry) => entry.id} is_chosen={(entry) => chosen.has(entry.id)} empty={<Empty title={paging.search ? t.none_found : t.none}><p>{t.none_text}</p></Empty>} />}
				</Loaded>
			</Panel>
			{open !== null && removing === null && <Details id={open} close={() => open_set(null)} run={run} busy={carry_out.busy} />}
			{removing !== null && <Confirm title={t.remove_title(removing === "all" ? null : removing.length)} verb={t.orders.remove} danger action={remove} close={() => removing_set(null)}><p>{t.remove_text}</p><ProgressBar label={t.progress} progress={progress} /></Confirm>}
		</Page>
	);
}
