// SPDX-License-Identifier: Apache-2.0
// The pieces that every page is made of.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Fault } from "../core/api";
import { texts } from "../texts";
import { Icon } from "./icon";

export type Tone = "plain" | "good" | "warn" | "bad" | "accent";

/** A page: its title takes the focus when the page is gone to, so that screen readers say where one is. */
export function Page({ title, lead, actions, children }: { title: string; lead?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren }) {
	const heading = useRef<HTMLHeadingElement>(null);
	useEffect(() => {
		document.title = `${title} · Postern`;
		heading.current?.focus({ preventScroll: true });
		scrollTo(0, 0);
	}, [title]);
	return (
		<div class="page">
			<div class="head">
				<div>
					<h1 ref={heading} tabIndex={-1}>{title}</h1>
					{lead && <p>{lead}</p>}
				</div>
				{actions && <div class="actions">{actions}</div>}
			</div>
			{children}
		</div>
	);
}

interface PanelProps {
	title?: string;
	lead?: ComponentChildren;
	actions?: ComponentChildren;
	footer?: ComponentChildren;
	bare?: boolean;
	children: ComponentChildren;
}

export function Panel({ title, lead, actions, footer, bare, children }: PanelProps) {
	return (
		<section class="panel" aria-label={title}>
			{title && (
				<header>
					<h2>{title}</h2>
					{actions && <div class="actions">{actions}</div>}
					{lead && <p>{lead}</p>}
				</header>
			)}
			{bare ? children : <div class="body">{children}</div>}
			{footer && <footer>{footer}</footer>}
		</section>
	);
}

export function Mark({ tone = "plain", children }: { tone?: Tone; children: ComponentChildren }) {
	return <span class={`mark ${tone}`}>{children}</span>;
}

const version_tones: Record<string, Tone> = { "TLSv1.3": "good", "TLSv1.2": "good", "TLSv1.1": "warn", TLSv1: "warn", SSLv3: "bad" };

export function Version({ name }: { name: string }) {
	return <span class={`mark version ${version_tones[name] ?? "plain"}`}>{name}</span>;
}

export function Versions({ names }: { names: readonly string[] }) {
	if (names.length === 0) return <span class="soft">{texts.common.none}</span>;
	return <span class="marks">{names.map((name) => <Version key={name} name={name} />)}</span>;
}

const note_icons = { plain: "info", accent: "info", good: "good", warn: "warn", bad: "bad" } as const;

export function Note({ tone = "plain", title, children, role }: { tone?: Tone; title?: string; children?: ComponentChildren; role?: "alert" | "status" }) {
	return (
		<div class={`note ${tone}`} role={role}>
			<Icon name={note_icons[tone]} />
			<div class="stack">
				{title && <strong>{title}</strong>}
				{children && <div>{children}</div>}
			</div>
		</div>
	);
}

/** What the server refused, in its words. */
export function FaultNote({ fault, retry }: { fault: Fault | null; retry?: () => void }) {
	if (!fault) return null;
	return (
		<Note tone="bad" role="alert">
			<p class="break">{fault.message}</p>
			{retry && <p><button type="button" class="button tight" onClick={retry}>{texts.common.again}</button></p>}
		</Note>
	);
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
	return (
		<div class="empty">
			<strong>{title}</strong>
			{children && <div class="stack tight">{children}</div>}
		</div>
	);
}

export function Waiting() {
	return <div class="waiting" role="status">{texts.common.loading}</div>;
}

/** Shows an answer when it is there, else why it is not. */
export function Loaded<A>({ held, children }: { held: { answer: A | null; fault: Fault | null; reload: () => unknown }; children: (answer: A) => ComponentChildren }) {
	if (held.answer === null && held.fault) return <FaultNote fault={held.fault} retry={held.reload} />;
	if (held.answer === null) return <Waiting />;
	return (
		<>
			<FaultNote fault={held.fault} retry={held.reload} />
			{children(held.answer)}
		</>
	);
}

/** Names and values, one a line. */
export function Facts({ rows }: { rows: readonly (readonly [string, ComponentChildren])[] }) {
	return (
		<dl class="facts">
			{rows.map(([name, value]) => (
				<>
					<dt>{name}</dt>
					<dd>{value}</dd>
				</>
			))}
		</dl>
	);
}

/** Old and new value of each variable. */
export function Difference({ changes }: { changes: readonly { variable: string; old?: string | null; new?: string | null }[] }) {
	if (changes.length === 0) return <p class="soft">{texts.common.no_change}</p>;
	return (
		<ul class="difference">
			{changes.map((change) => (
				<li key={change.variable}>
					<strong>{change.variable}</strong>{" "}
					<del><span class="unseen">{texts.common.was} </span>{change.old ?? texts.common.not_set}</del>{" → "}
					<ins><span class="unseen">{texts.common.becomes} </span>{change.new ?? texts.common.not_set}</ins>
				</li>
			))}
		</ul>
	);
}

/** Views of one page; arrow keys go from one to the next. */
export function Tabs<T extends string>({ label, tabs, chosen, choose }: { label: string; tabs: readonly (readonly [T, string])[]; chosen: T; choose: (tab: T) => void }) {
	const list = useRef<HTMLDivElement>(null);
	const moved = (event: KeyboardEvent) => {
		const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
		if (step === undefined) return;
		const at = tabs.findIndex(([name]) => name === chosen);
		const next = (at + step + tabs.length) % tabs.length;
		choose(tabs[next]![0]);
		(list.current?.children[next] as HTMLElement | undefined)?.focus();
		event.preventDefault();
	};
	return (
		<div class="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={moved}>
			{tabs.map(([name, text]) => (
				<button key={name} type="button" role="tab" id={`tab-${name}`} aria-selected={name === chosen} aria-controls={`view-${name}`} tabIndex={name === chosen ? 0 : -1} onClick={() => choose(name)}>{text}</button>
			))}
		</div>
	);
}

export function View({ name, children }: { name: string; children: ComponentChildren }) {
	return <div class="stack" role="tabpanel" id={`view-${name}`} aria-labelledby={`tab-${name}`}>{children}</div>;
}
