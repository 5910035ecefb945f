// SPDX-License-Identifier: Apache-2.0
// The former versions of mailserver.cfg, with what each change was, who made it, and the way back.
import { useState } from "preact/hooks";
import { announce } from "../../components/announce";
import { Dialog } from "../../components/dialog";
import { Difference, Empty, FaultNote, Loaded, Panel } from "../../components/parts";
import { Table, type Column } from "../../components/table";
import { ask, type Answer } from "../../core/api";
import { date_of, time } from "../../core/format";
import { useKnown, useMayChange } from "../../core/session";
import { useAction, useAnswer } from "../../core/use";
import { texts } from "../../texts";
import { Meaning, Within, within_default, within_part } from "./review";

const t = texts.tls.history;

type Version = Answer<"GET /tls/history">[number];

function Revert({ version, close, done }: { version: number; close: () => void; done: () => void }) {
	const plan = useAnswer("POST /tls/revert", { body: { version, dry_run: true } });
	const { status } = useKnown();
	// Going back ends the wait of a change that waits, and then holds at once.
	const is_waited = Boolean(status.answer?.awaiting_confirmation);
	const [chosen, chosen_set] = useState<string>(within_default);
	const within = is_waited ? "" : chosen;
	const revert = useAction(async () => {
		await ask("POST /tls/revert", { body: { version, ...within_part(within) } });
		announce(within ? texts.tls.review.applied_waiting : t.reverted(version));
		status.reload();
		done();
	});
	const footer = (
		<>
			<button type="button" class="button" onClick={close}>{texts.common.cancel}</button>
			<button type="button" class="button main" disabled={plan.answer === null || revert.busy} onClick={() => revert.run()}>{t.revert}</button>
		</>
	);
	return (
		<Dialog title={t.revert_title(version)} close={close} large footer={footer}>
			<Loaded held={plan}>
				{(answer) => (
					<>
						<Meaning plan={answer} />
						<Difference changes={answer.changes} />
						{!is_waited && answer.changes.length > 0 && <Within value={chosen} change={chosen_set} />}
					</>
				)}
			</Loaded>
			<FaultNote fault={revert.fault} />
		</Dialog>
	);
}

type Entry = Answer<"GET /evidence">[number];

/** Who made the change: the newest entry of the record that tells of the same change, not after the version's end. */
function author_of(row: Version, record: readonly Entry[]): Entry | null {
	const changes = JSON.stringify(row.changes);
	const end = date_of(row.until).getTime() + 2000;
	return record.filter((entry) => JSON.stringify(entry.changes) === changes && date_of(entry.time).getTime() <= end).at(-1) ?? null;
}

function Author({ entry }: { entry: Entry | null }) {
	if (!entry) return <span class="soft">{t.unknown}</span>;
	return <>{entry.who}<span class="sub">{entry.from}</span></>;
}

const columns = (record: readonly Entry[], may_change: boolean, revert: (version: number) => void): Column<Version>[] => [
	{ title: t.version, kind: "num", cell: (row) => row.version },
	{ title: t.until, kind: "nowrap num", cell: (row) => time(row.until) },
	{ title: t.who, cell: (row) => <Author entry={author_of(row, record)} /> },
	{ title: t.change, cell: (row) => <Difference changes={row.changes} /> },
	{ title: t.revert, unseen: true, kind: "act", cell: (row) => may_change && <button type="button" class="button tight" onClick={() => revert(row.version)} aria-label={t.revert_title(row.version)}>{t.revert}</button> },
];

export function History({ reload }: { reload: () => void }) {
	const history = useAnswer("GET /tls/history");
	const record = useAnswer("GET /evidence");
	const may_change = useMayChange();
	const [open, open_set] = useState<number | null>(null);
	const done = () => {
		open_set(null);
		history.reload();
		reload();
	};
	return (
		<Panel title={t.title} lead={t.lead} bare>
			<Loaded held={history}>
				{(answer) => <Table caption={t.title} columns={columns(record.answer ?? [], may_change, open_set)} rows={answer} row_key={(row) => row.version} empty={<Empty title={t.empty}><p>{t.empty_text}</p></Empty>} />}
			</Loaded>
			{open !== null && <Revert version={open} close={() => open_set(null)} done={done} />}
		</Panel>
	);
}
