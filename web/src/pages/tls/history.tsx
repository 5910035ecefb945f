// SPDX-License-Identifier: Apache-2.0
// The former versions of mailserver.cfg, with what each change was, who made it, and the way back.
import { useState } from "preact/hooks";
import { announce } from "../../components/announce";
import { Confirm } from "../../components/dialog";
import { Difference, Empty, Loaded, Panel } from "../../components/parts";
import { Pages, SearchTool, Table, usePaging, type Column } from "../../components/table";
import { ask, type Answer } from "../../core/api";
import { time } from "../../core/format";
import { useKnown, useMayChange } from "../../core/session";
import type { Steady } from "../../core/steady";
import { useAction, useAnswer } from "../../core/use";
import { texts } from "../../texts";
import { Meaning, Within, within_default, within_part } from "./review";

const t = texts.tls.history;

type Version = Answer<"GET /tls/history">["versions"][number];

type PolicySteady = Steady<"GET /tls/variables">;

function Revert({ version, steady, close, done }: { version: number; steady: PolicySteady; close: () => void; done: () => void }) {
	const plan = useAnswer("POST /tls/revert", { body: { version, dry_run: true } });
	const { status } = useKnown();
	// Going back ends the wait of a change that waits, and then holds at once.
	// It is the plan that one agrees to: what came in force since is to be seen before.
	const standing = { generation: plan.answer?.generation ?? "", is_outdated: false, load: async () => void (await plan.reload()) };
	const is_waited = Boolean(status.answer?.awaiting_confirmation);
	const [chosen, chosen_set] = useState<string>(within_default);
	const within = is_waited ? "" : chosen;
	const revert = useAction(async () => {
		await steady.change(() => ask("POST /tls/revert", { body: { version, generation: standing.generation, ...within_part(within) } }));
		announce(within ? texts.tls.review.applied_waiting : t.reverted(version));
		done();
	});
	const is_idle = plan.answer === null || plan.answer.changes.length === 0;
	return (
		<Confirm title={t.revert_title(version)} verb={t.revert} large action={revert} idle={is_idle} close={close} standing={standing}>
			<Loaded held={plan}>
				{(answer) => (
					<>
						<Meaning plan={answer} />
						<Difference changes={answer.changes} />
						{!is_waited && answer.changes.length > 0 && <Within value={chosen} change={chosen_set} />}
					</>
				)}
			</Loaded>
		</Confirm>
	);
}

function Author({ row }: { row: Version }) {
	if (!row.who) return <span class="soft">{t.unknown}</span>;
	return <>{row.who}<span class="sub">{row.from}</span></>;
}

const columns = (may_change: boolean, revert: (version: number) => void): Column<Version>[] => [
	{ title: t.version, kind: "num", cell: (row) => row.version },
	{ title: t.until, kind: "nowrap num", cell: (row) => time(row.until) },
	{ title: t.who, cell: (row) => <Author row={row} /> },
	{ title: t.change, cell: (row) => <Difference changes={row.changes} /> },
	{ title: t.revert, unseen: true, kind: "act", cell: (row) => may_change && <button type="button" class="button tight" onClick={() => revert(row.version)} aria-label={t.revert_title(row.version)}>{t.revert}</button> },
];

export function History({ steady }: { steady: PolicySteady }) {
	const paging = usePaging(50);
	const history = useAnswer("GET /tls/history", { query: paging.query });
	const may_change = useMayChange();
	const [open, open_set] = useState<number | null>(null);
	const done = () => {
		open_set(null);
		void history.reload();
	};
	return (
		<Panel title={t.title} lead={t.lead} bare footer={<Pages paging={paging} shown={history.answer?.versions.length ?? 0} total={history.answer?.total} next={history.answer?.next} />}>
			<SearchTool paging={paging} label={t.search} />
			<Loaded held={history}>
				{(answer) => <Table caption={t.title} columns={columns(may_change, open_set)} rows={answer.versions} row_key={(row) => row.version} empty={<Empty title={t.empty}><p>{t.empty_text}</p></Empty>} />}
			</Loaded>
			{open !== null && <Revert version={open} steady={steady} close={() => open_set(null)} done={done} />}
		</Panel>
	);
}
