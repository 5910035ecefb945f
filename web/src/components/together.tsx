// SPDX-License-Identifier: Apache-2.0
// Who else changes the configuration: what was changed since a form was begun, and by whom; and what
// was edited in the file by hand.
import { ask, type Answer, type Fault } from "../core/api";
import { time } from "../core/format";
import { useKnown, useMayChange } from "../core/session";
import type { Edits, Steady, SteadyRoute } from "../core/steady";
import { useAction, useAnswer } from "../core/use";
import { texts } from "../texts";
import { announce } from "./announce";
import { Difference, FaultNote, Note } from "./parts";

const t = texts.together;

/** What a form stands on: see core/steady.ts. */
export type Standing = Pick<Steady<SteadyRoute>, "generation" | "is_outdated" | "load">;

type Entry = Answer<"GET /evidence">["entries"][number];

/** True where somebody else was quicker. */
export function is_conflict(fault: Fault | null | undefined): boolean {
	return fault?.status === 409 && fault.field === "generation";
}

/** The changes that came after a configuration, the first one first; null where the record does not reach back. */
function changes_since(entries: readonly Entry[], generation: string): Entry[] | null {
	const end = entries.findIndex((entry) => entry.file_sha256.startsWith(generation));
	if (end < 0) return null;
	return entries.slice(0, end).filter((entry) => entry.changes.length > 0 && entry.kind !== "certificate change").reverse();
}

function Since({ generation }: { generation: string }) {
	const record = useAnswer("GET /evidence", { query: { limit: "100" } });
	const entries = record.answer && changes_since(record.answer.entries, generation);
	if (!entries) return null;
	return (
		<ul class="stack tight">
			{entries.map((entry) => (
				<li key={entry.sequence}>
					<p class="break">{t.by(entry.who, entry.from, time(entry.time))}</p>
					<Difference changes={entry.changes} />
				</li>
			))}
		</ul>
	);
}

/** Tells that the configuration was changed since the form was begun; nothing where it was not. */
export function Outdated({ standing, fault, drop }: { standing: Standing; fault?: Fault | null; drop?: () => void }) {
	if (!standing.is_outdated && !is_conflict(fault)) return null;
	const load = () => {
		drop?.();
		standing.load();
	};
	return (
		<Note tone="warn" title={t.title} role="alert">
			<Since generation={standing.generation} />
			<p>{t.text}</p>
			<p><button type="button" class="button tight" onClick={load}>{t.load}</button></p>
		</Note>
	);
}

/** A hand edit of the file that is not in force yet. */
export function HandEdits({ edits }: { edits: Edits }) {
	const { status } = useKnown();
	const may_change = useMayChange();
	const put = useAction(async () => {
		await ask("POST /reload");
		announce(t.put);
		void status.reload();
	});
	if (edits.length === 0) return null;
	return (
		<Note tone="warn" title={t.edited} role="status">
			<p>{t.edited_text}</p>
			<Difference changes={edits} />
			<FaultNote fault={put.fault} />
			{may_change && <p><button type="button" class="button tight" disabled={put.busy} onClick={() => put.run()}>{t.put_in_force}</button></p>}
		</Note>
	);
}
