// SPDX-License-Identifier: Apache-2.0
// Every other setting of mailserver.cfg, with its meaning, default and value.
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { is_about, useWrongShown } from "../components/form";
import { Loaded, Page, Panel } from "../components/parts";
import { Pending } from "../components/pending";
import { HandEdits } from "../components/together";
import { ask, type Answer } from "../core/api";
import { useMayChange } from "../core/session";
import { useSteady } from "../core/steady";
import { useAction } from "../core/use";
import { texts } from "../texts";

const t = texts.settings;

type Settings = Answer<"GET /settings">;
type Setting = Settings["settings"][number];

const key_of = (setting: Setting) => `${setting.table}.${setting.name}`;

interface ControlProps {
	setting: Setting;
	value: string;
	attributes: { id: string; "aria-invalid": boolean | undefined; "aria-describedby": string | undefined };
	may_change: boolean;
	change: (value: string) => void;
}

function Control({ setting, value, attributes, may_change, change }: ControlProps) {
	if (setting.type === "switch")
		return (
			<select {...attributes} value={value} disabled={!may_change} onChange={(event) => change(event.currentTarget.value)}>
				<option value="">{t.standard(setting.default === "1")}</option>
				<option value="0">{t.off}</option>
				<option value="1">{t.on}</option>
			</select>
		);
	return <input {...attributes} value={value} disabled={!may_change} placeholder={setting.default ?? ""} spellcheck={false} autocomplete="off" onInput={(event) => change(event.currentTarget.value)} />;
}

function Row({ setting, drafted, change, wrong }: { setting: Setting; drafted: string | undefined; change: (value: string | undefined) => void; wrong: string | null }) {
	const may_change = useMayChange();
	const id = `setting-${setting.table}-${setting.name}`;
	const now = setting.value ?? "";
	const value = drafted ?? now;
	const hint = setting.max > 0 && setting.type === "number" ? t.range(setting.min, setting.max) : undefined;
	const attributes = { id, "aria-invalid": wrong ? true : undefined, "aria-describedby": [hint ? `${id}-hint` : "", wrong ? `${id}-wrong` : ""].filter(Boolean).join(" ") || undefined };
	return (
		<div class={`setting ${drafted === undefined ? "" : "drafted"}`}>
			<div>
				<label class="mono" for={id}>{setting.name}</label>
				<p class="soft small">{setting.meaning}</p>
			</div>
			<div class="field">
				<Control setting={setting} value={value} attributes={attributes} may_change={may_change} change={(next) => change(next === now ? undefined : next)} />
				{hint && <div class="hint" id={`${id}-hint`}>{hint}</div>}
				{setting.findings.map((finding) => <div class="wrong" key={finding.text}>{finding.text}</div>)}
				{wrong && <div class="wrong" id={`${id}-wrong`}>{wrong}</div>}
			</div>
			<div class="small soft">
				<div>{setting.line === null ? texts.tls.advanced.by_default : texts.tls.advanced.line("mailserver.cfg", setting.line)}{setting.unit && `, ${setting.unit}`}</div>
				<div>{texts.tls.advanced.standard} <span class="mono break">{setting.default || texts.common.none}</span></div>
			</div>
		</div>
	);
}

export function Settings() {
	const [draft, draft_set] = useState<Readonly<Record<string, string>>>({});
	const count = Object.keys(draft).length;
	const held = useSteady("GET /settings", count > 0);
	const save = useAction(async () => {
		const values = Object.fromEntries(Object.entries(draft).map(([key, value]) => [key, value === "" ? null : value]));
		await held.change(() => ask("PATCH /settings", { body: { values, generation: held.generation } }));
		announce(texts.common.saved);
		draft_set({});
	});
	const discard = () => {
		draft_set({});
		save.clear();
	};
	const change = (key: string) => (value: string | undefined) => {
		const { [key]: _, ...rest } = draft;
		draft_set(value === undefined ? rest : { ...rest, [key]: value });
	};
	const wrong_of = (setting: Setting) => (is_about(save.fault, `${setting.table}/${setting.name}`) ? save.fault!.message : null);
	const has_place = held.answer?.settings.some((setting) => wrong_of(setting) !== null) ?? false;
	const list = useWrongShown<HTMLDivElement>(save.fault);
	return (
		<Page title={t.title} lead={t.lead}>
			<Loaded held={held}>
				{(answer) => {
					const tables = [...new Set(answer.settings.map((setting) => setting.table))];
					return (
						<div class="stack" ref={list}>
							<HandEdits edits={answer.edits} />
							{tables.map((table) => (
								<Panel key={table} title={t.tables[table as keyof typeof t.tables] ?? table} bare>
									{answer.settings.filter((setting) => setting.table === table).map((setting) => <Row key={key_of(setting)} setting={setting} drafted={draft[key_of(setting)]} change={change(key_of(setting))} wrong={wrong_of(setting)} />)}
								</Panel>
							))}
						</div>
					);
				}}
			</Loaded>
			{count > 0 && <Pending text={t.unsaved(count)} verb={texts.common.save} standing={held} fault={has_place ? null : save.fault} busy={save.busy} discard={discard} save={() => save.run()} />}
		</Page>
	);
}
