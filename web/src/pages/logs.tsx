// SPDX-License-Identifier: Apache-2.0
// The log files: the last lines, those before them, and what comes, as it comes.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Choice } from "../components/form";
import { Empty, FaultNote, Page, Panel } from "../components/parts";
import { address_of, ask, Fault } from "../core/api";
import { go, usePlace } from "../core/router";
import { useSettled } from "../core/use";
import { texts } from "../texts";

const t = texts.logs;
const names = ["mail", "security", "error", "warning", "operations", "audit", "config", "debug"] as const;
const page_lines = 200;
const kept_lines = 2000;

interface Line {
	id: number;
	text: string;
}

let count = 0;
const line_of = (text: string): Line => ({ id: ++count, text });

/** What an event of the stream says: a line, or a line with its place in the file. */
function line_of_event(data: string): Line {
	if (!data.startsWith("{")) return line_of(data);
	return line_of((JSON.parse(data) as { text: string }).text);
}

const pattern = /^(\[[^\]]+\])|(\b(?:TLSv1(?:\.[123])?|SSLv3)\b)|(\b(?:failed|refused|rejected|invalid|error|expired|broken|delayed)\b)|(\b(?:delivered|relayed|authenticated)\b)|(\b[A-Z][A-Za-z-]+:(?= ))/gi;

/** The words of a line that the eye looks for; everything is text, never markup. */
function highlighted(text: string): ComponentChildren[] {
	const parts: ComponentChildren[] = [];
	let at = 0;
	for (const match of text.matchAll(pattern)) {
		parts.push(text.slice(at, match.index));
		at = match.index + match[0].length;
		const [word, stamp, version, bad, good] = match;
		if (stamp) parts.push(<time>{word}</time>);
		else parts.push(<span class={version ? "key" : bad ? "bad" : good ? "good" : "key"}>{word}</span>);
	}
	parts.push(text.slice(at));
	return parts;
}

function marked(text: string, wanted: string): ComponentChildren {
	if (wanted === "") return highlighted(text);
	const parts: ComponentChildren[] = [];
	const lower = text.toLowerCase();
	let at = 0;
	for (let found = lower.indexOf(wanted); found >= 0; found = lower.indexOf(wanted, at)) {
		parts.push(text.slice(at, found), <mark>{text.slice(found, found + wanted.length)}</mark>);
		at = found + wanted.length;
	}
	parts.push(text.slice(at));
	return parts;
}

interface Tail {
	lines: readonly Line[];
	fault: Fault | null;
	busy: boolean;
	live: boolean;
	before: string | null;
	older: () => void;
}

/** The end of a log, growing while `follow`; the server filters. */
function useTail(name: string, filter: string, follow: boolean): Tail {
	const [lines, lines_set] = useState<readonly Line[]>([]);
	const [fault, fault_set] = useState<Fault | null>(null);
	const [busy, busy_set] = useState(true);
	const [live, live_set] = useState(false);
	const [before, before_set] = useState<string | null>(null);
	const filtered = filter ? { filter } : {};

	const load = async (from: string | null) => {
		busy_set(true);
		try {
			const answer = await ask("GET /logs/{name}", { path: { name }, query: { lines: String(page_lines), ...filtered, ...(from === null ? {} : { before: from }) } });
			const got = answer.lines.map((line) => line_of(line.text));
			lines_set((now) => (from === null ? got : [...got, ...now]));
			before_set(answer.before);
			fault_set(null);
		} catch (error) {
			fault_set(error as Fault);
		}
		busy_set(false);
	};
	useEffect(() => {
		lines_set([]);
		void load(null);
	}, [name, filter]);
	useEffect(() => {
		if (!follow) return undefined;
		const source = new EventSource(address_of("GET /logs/{name}/follow", { path: { name }, query: { lines: 0, ...filtered } }));
		let opened = 0;
		source.onopen = () => {
			live_set(true);
			// What was written while nobody listened.
			if (opened++ > 0) void load(null);
		};
		source.onerror = () => live_set(false);
		source.onmessage = (event) => lines_set((now) => [...now, line_of_event(event.data as string)].slice(-kept_lines));
		return () => {
			source.close();
			live_set(false);
		};
	}, [name, filter, follow]);
	return { lines, fault, busy, live, before, older: () => void load(before) };
}

/** Stays at the end while one is there. */
function useEnd(lines: readonly Line[]) {
	const box = useRef<HTMLDivElement>(null);
	const at_end = useRef(true);
	useLayoutEffect(() => {
		if (at_end.current && box.current) box.current.scrollTop = box.current.scrollHeight;
	}, [lines]);
	const scrolled = () => {
		const element = box.current;
		if (element) at_end.current = element.scrollHeight - element.scrollTop - element.clientHeight < 24;
	};
	return { box, scrolled };
}

export function Logs() {
	const place = usePlace();
	const name = names.find((each) => each === place.query.get("name")) ?? "mail";
	const [wanted, wanted_set] = useState("");
	const [follow, follow_set] = useState(true);
	const filter = useSettled(wanted);
	const tail = useTail(name, filter, follow);
	const { box, scrolled } = useEnd(tail.lines);
	return (
		<Page title={t.title} lead={t.lead}>
			<Panel bare footer={<span class="soft small" role="status">{tail.live ? t.live : follow ? t.connecting : t.stopped}</span>}>
				<div class="tools" role="search">
					<select aria-label={t.name} value={name} onChange={(event) => go("/logs", { name: event.currentTarget.value }, true)}>
						{names.map((each) => <option key={each} value={each}>{`${each}.log`}</option>)}
					</select>
					<input type="search" aria-label={t.filter} placeholder={t.filter} value={wanted} onInput={(event) => wanted_set(event.currentTarget.value)} />
					<Choice label={t.follow} checked={follow} change={follow_set} />
					{tail.before !== null && <button type="button" class="button tight" disabled={tail.busy} onClick={tail.older}>{t.older}</button>}
				</div>
				<FaultNote fault={tail.fault} />
				{tail.lines.length === 0 && !tail.busy
					? <Empty title={filter ? t.none_found : t.none}><p>{t.none_text(name)}</p></Empty>
					: <div class="log" ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-label={`${name}.log`} aria-live="off">{tail.lines.map((line) => <div key={line.id}>{marked(line.text, filter.toLowerCase())}</div>)}</div>}
			</Panel>
		</Page>
	);
}
