// SPDX-License-Identifier: Apache-2.0
// The former versions of mailserver.cfg, with what each change was, who made it, and the way back.
import { useState } from "preact/hooks";
import { announce } from "../../components/announce";
import { Dialog } from "../../components/dialog";
import { Difference, Empty, FaultNote, Loaded, Panel } from "../../components/parts";
import { Table, type Column } from "../../components/table";
import { ask, type Answer } from "../../core/api";
import { time } from "../../core/format";
import { useKnown, useMayChange } from "../../core/session";
import { useAction, useAnswer } from "../../core/use";
import { texts } from "../../texts";
import { Meaning } from "./review";

const t = texts.tls.history;

type Version = Answer<"GET /tls/history">[number];

function Revert({ version, close, done }: { version: number; close: () => void; done: () => void }) {
	const plan = useAnswer("POST /tls/revert", { body: { version, dry_run: true } });
	const { status } = useKnown();
	const revert = useAction(async () => {
		await ask("POST /tls/revert", { body: { version } });
		announce(t.reverted(version));
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
					</>
				)}
			</Loaded>
			<FaultNote fault={revert.fault} />
		</Dialog>
	);
}

const columns = (may_change: boolean, revert: (version: number) => void): Column<Version>[] => [
	{ title: t.version, kind: "num", cell: (row) => row.version },
	{ title: t.until, kind: "nowrap num", cell: (row) => time(row.until) },
	{ title: t.who, cell: (row) => <>{row.who ?? <span class="soft">{t.unknown}</span>}{row.from && <span class="sub">{row.from}</span>}</> },
	{ title: t.change, cell: (row) => <Difference changes={row.changes} /> },
	{ title: t.revert, unseen: true, kind: "act", cell: (row) => may_change && <button type="button" class="button tight" onClick={() => revert(row.version)} aria-label={t.revert_title(row.version)}>{t.revert}</button> },
];

export function History({ reload }: { reload: () => void }) {
	const history = useAnswer("GET /tls/history");
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
				{(answer) => <Table caption={t.title} columns={columns(may_change, open_set)} rows={answer} row_key={(row) => row.version} empty={<Empty title={t.empty}><p>{t.empty_text}</p></Empty>} />}
			</Loaded>
			{open !== null && <Revert version={open} close={() => open_set(null)} done={done} />}
		</Panel>
	);
}
