// SPDX-License-Identifier: Apache-2.0
// Certificates that a CA gives and renews (ACME): the rows, how each stands, and what the CA has to know.
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { Form, Select, Text, type Options } from "../components/form";
import { FaultNote, Loaded, Mark, Panel } from "../components/parts";
import { ProgressBar, useProgress } from "../components/progress";
import { RowsPage, type Kinds, type Row } from "../components/rows";
import type { Column } from "../components/table";
import { ask, type Answer } from "../core/api";
import { follow } from "../core/follow";
import { time } from "../core/format";
import { useKnown, useMayChange, type Status } from "../core/session";
import { useAction, useAnswer } from "../core/use";
import { texts } from "../texts";

const t = texts.acme;

const kinds: Kinds = { KeyType: t.key_types };
const choices: Readonly<Record<string, Options | undefined>> = { AgreeTerms: t.agree, Challenge: t.challenges, KeyReuse: texts.partners.switches };

type State = Status["acme"][number];
type Setting = Answer<"GET /settings">["settings"][number];

function Standing({ state }: { state: State | undefined }) {
	if (!state) return <span class="soft">{t.not_asked}</span>;
	return (
		<>
			<Mark tone={state.failures > 0 ? "bad" : "good"}>{state.failures > 0 ? t.failures(state.failures) : t.well}</Mark>
			{state.why && <span class="sub break">{state.why}</span>}
		</>
	);
}

function CaForm({ settings, generation, done }: { settings: readonly Setting[]; generation: string; done: () => Promise<void> }) {
	const [drafts, drafts_set] = useState<Readonly<Record<string, string>>>({});
	const may_change = useMayChange();
	const changed = settings.filter((setting) => drafts[setting.name] !== undefined && drafts[setting.name] !== (setting.value ?? ""));
	const save = useAction(async () => {
		const values = Object.fromEntries(changed.map((setting) => [`Acme.${setting.name}`, drafts[setting.name] || null]));
		await ask("PATCH /settings", { body: { values, generation } });
		announce(texts.common.saved);
		await done();
		drafts_set({});
	});
	return (
		<Form fault={save.fault} submit={() => save.run()} label={t.ca} end={may_change && <button type="submit" class="button main" disabled={save.busy || changed.length === 0}>{texts.common.save}</button>}>
			<div class="pair">
				{settings.map((setting) => {
					const common = { label: setting.name, name: setting.name, hint: setting.meaning, disabled: !may_change, value: drafts[setting.name] ?? setting.value ?? "", change: (value: string) => drafts_set({ ...drafts, [setting.name]: value }) };
					const options = choices[setting.name];
					return options ? <Select key={setting.name} {...common} options={options} /> : <Text key={setting.name} {...common} placeholder={setting.default ?? ""} />;
				})}
			</div>
		</Form>
	);
}

function Ca() {
	const { status } = useKnown();
	const held = useAnswer("GET /settings", { query: { table: "Acme" } }, 0, String(status.answer?.generation ?? ""));
	const done = async () => {
		void status.reload();
		await held.reload();
	};
	return (
		<Panel title={t.ca} lead={t.ca_lead}>
			<Loaded held={held}>{(answer) => <CaForm key={answer.generation} settings={answer.settings} generation={answer.generation} done={done} />}</Loaded>
		</Panel>
	);
}

export function Acme() {
	const { status } = useKnown();
	const may_change = useMayChange();
	const [progress, followed] = useProgress();
	const request = useAction(async (name: string) => {
		announce(t.asking(name));
		await followed((tell) => follow("POST /certificates/request", { body: { name } }, tell));
		announce(t.given(name));
		await status.reload();
	});
	const name_of = (row: Row) => row.values.Name ?? "";
	const state_of = (row: Row) => status.answer?.acme.find((state) => state.name === name_of(row));
	const expires_of = (row: Row) => status.answer?.certificates.find((pair) => pair.name === name_of(row))?.expires ?? null;
	const columns: Column<Row>[] = [
		{ title: t.name, cell: name_of },
		{ title: t.domains, cell: (row) => <span class="break">{(row.values.Domains ?? "").split(",").join(", ")}</span> },
		{ title: t.key, cell: (row) => row.values.KeyType ?? "ecdsa" },
		{ title: t.state, cell: (row) => <Standing state={state_of(row)} /> },
		{ title: t.until, kind: "nowrap num", cell: (row) => time(expires_of(row)) },
		{ title: t.next, kind: "nowrap num", cell: (row) => time(state_of(row)?.next ?? null) },
	];
	const acts = (row: Row) => may_change && <button type="button" class="button tight" disabled={request.busy} onClick={() => request.run(name_of(row))}>{t.request}<span class="unseen"> {name_of(row)}</span></button>;
	return (
		<RowsPage list="AcmeCertificate" words={t} kinds={kinds} columns={columns} name={name_of} acts={acts}>
			{() => <><ProgressBar label={t.request} progress={progress} /><FaultNote fault={request.fault} /><Ca /></>}
		</RowsPage>
	);
}
