// SPDX-License-Identifier: Apache-2.0
// Keys by which outgoing mail is signed, and the records that others check it by.
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { Dialog } from "../components/dialog";
import { Empty, Facts, Loaded, Mark, Note, Page, Panel, type Tone } from "../components/parts";
import { Table, type Column } from "../components/table";
import type { Answer } from "../core/api";
import { time } from "../core/format";
import { useAnswer } from "../core/use";
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

function Details({ shown, close }: { shown: Key; close: () => void }) {
	const copy = async () => {
		await navigator.clipboard.writeText(shown.record);
		announce(t.copied);
	};
	const footer = (
		<>
			<button type="button" class="button" onClick={copy}>{t.copy}</button>
			<button type="button" class="button" onClick={close}>{texts.common.close}</button>
		</>
	);
	return (
		<Dialog title={`${shown.domain}, ${shown.selector}`} close={close} large footer={footer}>
			{!shown.published && <Note tone="warn">{shown.dns}{shown.dns_text && `: ${shown.dns_text}`}</Note>}
			<Facts rows={[
				[t.state, shown.state],
				[t.since, time(shown.since)],
				[t.name, <span class="mono">{shown.name}</span>],
				[t.record, <span class="mono">{shown.record}</span>],
			]} />
		</Dialog>
	);
}

export function Dkim() {
	const keys = useAnswer("GET /dkim");
	const [shown, shown_set] = useState<Key | null>(null);
	return (
		<Page title={t.title} lead={t.lead}>
			<Panel bare>
				<Loaded held={keys}>
					{(answer) => <Table caption={t.title} columns={columns(shown_set)} rows={answer.keys} row_key={(key) => `${key.domain} ${key.selector}`} empty={<Empty title={t.none}><p>{t.none_text}</p></Empty>} />}
				</Loaded>
			</Panel>
			{shown && <Details shown={shown} close={() => shown_set(null)} />}
		</Page>
	);
}
