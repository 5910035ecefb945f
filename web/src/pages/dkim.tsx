// SPDX-License-Identifier: Apache-2.0
// Keys by which outgoing mail is signed, and the records that others check it by: made, put to work, followed by the next, removed.
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { FormDialog, RemoveConfirm, ShowDialog } from "../components/dialog";
import { Choice, Select, Text } from "../components/form";
import { Empty, Facts, FaultNote, Loaded, Mark, Note, Page, Panel, type Tone } from "../components/parts";
import { Table, type Column } from "../components/table";
import { ask, type Answer } from "../core/api";
import { time } from "../core/format";
import { useMayChange } from "../core/session";
import { useAction, useAnswer } from "../core/use";
import { texts } from "../texts";

const t = texts.dkim;

type Key = Answer<"GET /dkim">["keys"][number];

const tones: Record<string, Tone> = { signing: "good", retiring: "warn" };

const columns = (open: (key: Key) => void): Column<Key>[] => [
	{ title: t.domain, cell: (key) => <button type="button" class="button cell break" onClick={() => open(key)}>{key.domain}</button> },
	{ title: t.selector, kind: "mono", cell: (key) => <span class="break">{key.selector}</span> },
	{ title: t.kind, cell: (key) => key.algorithm },
	{ title: t.state, cell: (key) => <Mark tone={tones[key.state] ?? "plain"}>{key.state}</Mark> },
	{ title: t.published, cell: (key) => <Mark tone={key.published ? "good" : "warn"}>{key.published ? texts.common.yes : texts.common.no}</Mark> },
];

async function copy(text: string) {
	await navigator.clipboard.writeText(text);
	announce(t.copied);
}

/** What is to be published for the keys of a domain that are in use, or are to be. */
function Records({ domain, close }: { domain: string; close: () => void }) {
	const keys = useAnswer("GET /dkim", { query: { domain } });
	return (
		<ShowDialog title={t.records_of(domain)} close={close}>
			<p class="soft">{t.records_lead}</p>
			<Loaded held={keys}>
				{(answer) => (
					<ul class="stack">
						{answer.keys.filter((key) => key.state === "waiting" || key.state === "signing").map((key) => (
							<li class="stack tight" key={key.selector}>
								<div class="line apart">
									<span class="line"><Mark tone="accent">TXT</Mark><span class="mono break">{key.name}</span><Mark tone={tones[key.state] ?? "plain"}>{key.state}</Mark></span>
									<button type="button" class="button tight" onClick={() => copy(key.record)}>{t.copy}<span class="unseen"> {key.selector}</span></button>
								</div>
								<code class="break">{key.record}</code>
							</li>
						))}
					</ul>
				)}
			</Loaded>
		</ShowDialog>
	);
}

function Add({ close, made }: { close: () => void; made: (domain: string) => void }) {
	const [domain, domain_set] = useState("");
	const [algorithm, algorithm_set] = useState("both");
	const [selector, selector_set] = useState("");
	const [now, now_set] = useState(false);
	const add = useAction(async () => {
		await ask("POST /dkim", { body: { domain, algorithm, ...(selector ? { selector } : {}), ...(now ? { now } : {}) } });
		announce(t.made(domain));
		made(domain);
	});
	return (
		<FormDialog title={t.add} verb={t.add_verb} action={add} close={close}>
			<Text label={t.domain} name="domain" value={domain} change={domain_set} placeholder="example.org" hint={t.domain_hint} />
			<Select label={t.kind} name="algorithm" value={algorithm} change={algorithm_set} options={t.kinds} />
			<Text label={t.selector} name="selector" value={selector} change={selector_set} hint={t.selector_hint} />
			<Choice label={t.now} hint={t.now_hint} checked={now} change={now_set} />
		</FormDialog>
	);
}

interface Ways {
	close: () => void;
	done: () => void;
	made: (domain: string) => void;
}

function Details({ shown, close, done, made }: { shown: Key } & Ways) {
	const may_change = useMayChange();
	const [removing, removing_set] = useState(false);
	const { domain, selector } = shown;
	const activate = useAction(async () => {
		await ask("POST /dkim/{domain}/activate", { path: { domain }, body: { selector } });
		announce(t.activated(selector));
		done();
	});
	const rotate = useAction(async () => {
		await ask("POST /dkim/{domain}/rotate", { path: { domain } });
		announce(t.made(domain));
		made(domain);
	});
	const remove = () => ask("DELETE /dkim/{domain}", { path: { domain }, body: { selector } });
	const more = (
		<>
			{may_change && <button type="button" class="button" onClick={() => removing_set(true)}>{texts.common.remove}</button>}
			{may_change && shown.state === "waiting" && <button type="button" class="button" disabled={activate.busy} onClick={() => activate.run()}>{t.activate}</button>}
			{may_change && shown.state === "signing" && <button type="button" class="button" disabled={rotate.busy} onClick={() => rotate.run()}>{t.rotate}</button>}
			<button type="button" class="button" onClick={() => copy(shown.record)}>{t.copy}</button>
		</>
	);
	if (removing) return <RemoveConfirm title={t.remove(selector)} text={t.remove_text} remove={remove} said={texts.common.removed(shown.name)} close={() => removing_set(false)} done={done} />;
	return (
		<ShowDialog title={`${domain}, ${selector}`} close={close} more={more}>
			<FaultNote fault={activate.fault ?? rotate.fault} />
			{!shown.published && <Note tone="warn">{shown.dns}{shown.dns_text && `: ${shown.dns_text}`}</Note>}
			<Facts rows={[
				[t.state, shown.state],
				[t.since, time(shown.since)],
				[t.name, <span class="mono">{shown.name}</span>],
				[t.record, <span class="mono">{shown.record}</span>],
			]} />
		</ShowDialog>
	);
}

export function Dkim() {
	const keys = useAnswer("GET /dkim");
	const may_change = useMayChange();
	const [shown, shown_set] = useState<Key | null>(null);
	const [adding, adding_set] = useState(false);
	const [records, records_set] = useState<string | null>(null);
	const close = () => {
		shown_set(null);
		adding_set(false);
	};
	const done = () => {
		close();
		keys.reload();
	};
	const made = (domain: string) => {
		done();
		records_set(domain);
	};
	const add = may_change && <button type="button" class="button main" onClick={() => adding_set(true)}>{t.add}</button>;
	return (
		<Page title={t.title} lead={t.lead} actions={add}>
			<Panel bare>
				<Loaded held={keys}>
					{(answer) => <Table caption={t.title} columns={columns(shown_set)} rows={answer.keys} row_key={(key) => `${key.domain} ${key.selector}`} empty={<Empty title={t.none}><p>{t.none_text}</p></Empty>} />}
				</Loaded>
			</Panel>
			{shown && <Details shown={shown} close={close} done={done} made={made} />}
			{adding && <Add close={close} made={made} />}
			{records !== null && <Records domain={records} close={() => records_set(null)} />}
		</Page>
	);
}
