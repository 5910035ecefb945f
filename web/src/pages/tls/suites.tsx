// SPDX-License-Identifier: Apache-2.0
// The suites that a cipher string means, in their order; what is arranged here becomes a plain list of names.
import { useEffect, useState } from "preact/hooks";
import { Dialog } from "../../components/dialog";
import { Loaded, Mark, Note, Version, type Tone } from "../../components/parts";
import { moved, Sortable } from "../../components/sortable";
import type { Answer } from "../../core/api";
import { useAnswer } from "../../core/use";
import { texts } from "../../texts";

const t = texts.tls.suites;

type Suite = Answer<"GET /tls/ciphers">["suites"][number];
interface Row {
	suite: Suite;
	on: boolean;
}

/** Every suite that may be chosen; those without authentication or encryption never are. */
const everything = "ALL:!aNULL:!eNULL";

function strength_tone(bits: number): Tone {
	if (bits >= 128) return "good";
	return bits >= 112 ? "warn" : "bad";
}

function Strength({ suite }: { suite: Suite }) {
	return (
		<>
			<Version name={suite.since} />
			<Mark tone={strength_tone(suite.strength_bits)}>{t.bits(suite.strength_bits)}</Mark>
			{!suite.usable && <Mark>{suite.obstacle ?? t.unusable}</Mark>}
		</>
	);
}

function rows_of(chosen: readonly Suite[], all: readonly Suite[]): Row[] {
	const names = new Set(chosen.map((suite) => suite.iana_name));
	return [...chosen.map((suite) => ({ suite, on: true })), ...all.filter((suite) => !names.has(suite.iana_name)).map((suite) => ({ suite, on: false }))];
}

function Arranged({ chosen, all, change }: { chosen: readonly Suite[]; all: readonly Suite[]; change: (text: string) => void }) {
	const [rows, rows_set] = useState(() => rows_of(chosen, all));
	useEffect(() => {
		change(rows.filter((row) => row.on).map((row) => row.suite.name).join(":"));
	}, [rows]);
	const toggle = (row: Row) => rows_set(rows.map((each) => (each === row ? { ...each, on: !each.on } : each)));
	return (
		<Sortable
			label={t.title}
			rows={rows}
			row_key={(row) => row.suite.name}
			is_on={(row) => row.on}
			toggle={toggle}
			move={(from, to) => rows_set(moved(rows, from, to))}
			detail={(row) => <Strength suite={row.suite} />}
		/>
	);
}

export function SuitesDialog({ value, close, take }: { value: string; close: () => void; take: (value: string) => void }) {
	const chosen = useAnswer("GET /tls/ciphers", { query: { string: value } });
	const all = useAnswer("GET /tls/ciphers", { query: { string: everything } });
	const [text, text_set] = useState(value);
	const footer = (
		<>
			<button type="button" class="button" onClick={close}>{texts.common.cancel}</button>
			<button type="button" class="button main" disabled={text === ""} onClick={() => take(text)}>{t.take}</button>
		</>
	);
	return (
		<Dialog title={t.title} close={close} large footer={footer}>
			<p class="soft">{t.lead}</p>
			<Loaded held={chosen}>
				{(now) => (
					<>
						{now.findings.map((finding) => <Note key={finding.text} tone={finding.severity === "error" ? "bad" : "warn"}>{finding.text}</Note>)}
						<Loaded held={all}>{(every) => <Arranged chosen={now.suites} all={every.suites} change={text_set} />}</Loaded>
					</>
				)}
			</Loaded>
			{text === "" && <Note tone="bad">{t.none_left}</Note>}
		</Dialog>
	);
}
