// SPDX-License-Identifier: Apache-2.0
// Every TLS variable of a table or of one service: what it means, its default, what is in force and
// where that was set. Changes are gathered and saved together.
import { useEffect, useId, useState } from "preact/hooks";
import { Confirm } from "../../components/dialog";
import { Choice, is_about, Select, useWrongShown } from "../../components/form";
import { Difference, Loaded, Mark, Note, Panel } from "../../components/parts";
import { Pending } from "../../components/pending";
import { announce } from "../../components/announce";
import { ask, type Fault } from "../../core/api";
import { time } from "../../core/format";
import { go, usePlace } from "../../core/router";
import { useMayChange } from "../../core/session";
import { useAction, useAnswer } from "../../core/use";
import { texts } from "../../texts";
import { is_empty, useDirty, type Draft, type PolicyProps, type Setting, type Variable, type Variables } from "./model";
import { Meaning, Review, Within, within_default, within_part } from "./review";
import { SuitesDialog } from "./suites";

const t = texts.tls.advanced;

/** One place where variables stand: a table, or a service with its own. */
interface Scope {
	key: string;
	label: string;
	settings: readonly Setting[];
	hint: string;
}

function scopes_of(variables: Variables): Scope[] {
	return [
		...variables.tables.map((table) => ({ key: table.name, label: t.table(table.name), settings: table.settings, hint: t.table_hint(table.services, table.clients) })),
		...variables.services.map((service) => ({ key: `Service:${service.name}`, label: t.service(service.name), settings: service.settings, hint: t.service_hint(service.name, service.table) })),
	];
}

/** Where the value in force comes from, in words. */
function origin(setting: Setting, scope: string, file: string): string {
	const set = setting.set;
	if (!set) return t.by_default;
	const place = set.table.toLowerCase() === scope.toLowerCase() ? t.line(file, set.line) : t.inherited(set.table, file, set.line);
	if (!set.way) return place;
	return t.origin(place, t.ways[set.way as keyof typeof t.ways] ?? set.way, set.who ?? "", set.from ?? "", set.time ? time(set.time) : "");
}

interface ControlProps {
	variable: Variable;
	value: string;
	change: (value: string) => void;
	disabled: boolean;
	attributes: { id: string; "aria-invalid": boolean | undefined; "aria-describedby": string | undefined };
	arrange: () => void;
}

const all_versions = ["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

function ProtocolsControl({ variable, value, change, disabled, attributes }: ControlProps) {
	const chosen = new Set(value.split(",").map((name) => name.trim()).filter(Boolean));
	const toggle = (name: string) => {
		chosen.has(name) ? chosen.delete(name) : chosen.add(name);
		change(all_versions.filter((each) => chosen.has(each)).join(","));
	};
	return (
		<fieldset class="line" disabled={disabled} aria-describedby={attributes["aria-describedby"]}>
			<legend class="unseen">{variable.name}</legend>
			{all_versions.slice(1).map((name) => <Choice key={name} label={name} checked={chosen.has(name)} change={() => toggle(name)} />)}
		</fieldset>
	);
}

function CiphersControl({ variable, value, change, disabled, attributes, arrange }: ControlProps) {
	return (
		<div class="stack tight">
			<textarea {...attributes} class="mono" rows={3} value={value} disabled={disabled} spellcheck={false} onInput={(event) => change(event.currentTarget.value.replace(/\s+/g, ""))} />
			<div><button type="button" class="button tight" disabled={disabled} onClick={arrange} aria-label={`${t.arrange}: ${variable.name}`}>{t.arrange}</button></div>
		</div>
	);
}

function Control(props: ControlProps) {
	const { variable, value, change, disabled, attributes } = props;
	if (variable.type === "protocols") return <ProtocolsControl {...props} />;
	if (variable.type === "ciphers") return <CiphersControl {...props} />;
	if (variable.type === "switch") return <Choice label={t.on} checked={value === "1"} disabled={disabled} change={(on) => change(on ? "1" : "0")} />;
	if (variable.type === "date") return <input {...attributes} type="date" value={value} disabled={disabled} onInput={(event) => change(event.currentTarget.value)} />;
	const may_be_none = variable.type === "protocol" || variable.type === "mode";
	return (
		<select {...attributes} value={value} disabled={disabled} onChange={(event) => change(event.currentTarget.value)}>
			{may_be_none && <option value="">{texts.common.none}</option>}
			{variable.values.map((each) => <option key={each} value={each}>{t.values[each as keyof typeof t.values] ?? each}</option>)}
		</select>
	);
}

interface RowProps {
	variable: Variable;
	setting: Setting;
	scope: string;
	file: string;
	drafted: string | undefined;
	change: (value: string | undefined) => void;
	/** What the server has against the value. */
	wrong: string | null;
	arrange: (value: string) => void;
}

function SettingRow({ variable, setting, scope, file, drafted, change, wrong, arrange }: RowProps) {
	const may_change = useMayChange();
	const id = useId();
	const value = drafted === undefined ? setting.effective : drafted || variable.default;
	const is_own = setting.set !== null && setting.set?.table.toLowerCase() === scope.toLowerCase();
	const attributes = { id, "aria-invalid": wrong ? true : undefined, "aria-describedby": wrong ? `${id}-wrong` : undefined };
	const has_label = !["protocols", "switch"].includes(variable.type);
	return (
		<div class={`setting ${drafted === undefined ? "" : "drafted"}`}>
			<div>
				{has_label ? <label class="mono" for={id}>{variable.name}</label> : <span class="mono">{variable.name}</span>}
				<p class="soft small">{variable.meaning}</p>
			</div>
			<div class="field">
				<Control variable={variable} value={value} attributes={attributes} disabled={!may_change} change={(next) => change(next === setting.effective.replace(/\s/g, "") ? undefined : next)} arrange={() => arrange(value)} />
				{wrong && <div class="wrong break" id={`${id}-wrong`}>{wrong}</div>}
			</div>
			<div class="small">
				<div class="soft">{origin(setting, scope, file)}</div>
				<div class="soft">{t.standard} <span class="mono break">{variable.default === "" ? t.builtin : variable.default}</span></div>
				{setting.findings.map((finding) => <Mark key={finding.text} tone="warn"><span class="break">{finding.text}</span></Mark>)}
				<div class="line">
					{drafted !== undefined && <button type="button" class="button plain tight" onClick={() => change(undefined)}>{texts.common.undo}</button>}
					{may_change && is_own && drafted === undefined && <button type="button" class="button plain tight" aria-label={`${t.restore}: ${variable.name}`} onClick={() => change("")}>{t.restore}</button>}
				</div>
			</div>
		</div>
	);
}

const groups: readonly { title: string; lead?: string; names: readonly string[] }[] = [
	{ title: t.groups.listeners, names: ["ServerTlsProtocols", "ServerTlsCiphers", "ServerCipherPreference"] },
	{ title: t.groups.clients, names: ["ClientTlsProtocols", "ClientTlsCiphers"] },
	{ title: t.groups.exchange, names: ["EnableEphemeralECDH", "EnableEphemeralDH", "EphemeralDHKeySize", "DontInsertEmptyFragments"] },
	{ title: t.groups.rungs, lead: t.rungs_lead, names: ["TlsFloor", "TlsFloorMode", "TlsFloorDate"] },
];

/** The variables of a group; those that belong to none stand in the last. */
function names_in(group: (typeof groups)[number], variables: Variables): string[] {
	const known = new Set(groups.flatMap((each) => each.names));
	const others = group === groups[2] ? variables.variables.map((variable) => variable.name).filter((name) => !known.has(name)) : [];
	return [...group.names, ...others];
}

interface GroupProps {
	group: (typeof groups)[number];
	variables: Variables;
	scope: Scope;
	draft: Draft;
	fault: Fault | null;
	change: (key: string, value: string | undefined) => void;
	arrange: (key: string, value: string) => void;
}

/** What the server says of the variable under a key, "Security.TlsFloor". */
const wrong_of = (fault: Fault | null, key: string) => (is_about(fault, key.replace(".", "/")) ? fault!.message : null);

function Group({ group, variables, scope, draft, fault, change, arrange }: GroupProps) {
	const rows = names_in(group, variables).flatMap((name) => {
		const variable = variables.variables.find((each) => each.name === name);
		const setting = scope.settings.find((each) => each.name === name);
		return variable && setting ? [{ variable, setting, key: `${scope.key}.${name}` }] : [];
	});
	if (rows.length === 0) return null;
	return (
		<Panel title={group.title} lead={group.lead} bare>
			{rows.map(({ variable, setting, key }) => (
				<SettingRow key={key} variable={variable} setting={setting} scope={scope.key} file={variables.file} drafted={draft[key]} change={(value) => change(key, value)} wrong={wrong_of(fault, key)} arrange={(value) => arrange(key, value)} />
			))}
		</Panel>
	);
}

/** Deletes every TLS variable; where the minimum falls it takes a second click. */
function ResetDialog({ close, done, steady }: { close: () => void; done: () => void; steady: PolicyProps["steady"] }) {
	const plan = useAnswer("POST /tls/reset", { body: { dry_run: true, allow_weaker: true } });
	const [agreed, agreed_set] = useState(false);
	const [within, within_set] = useState<string>(within_default);
	const weaker = [...(plan.answer?.services ?? []), ...(plan.answer?.clients ?? [])].some((each) => each.minimum_falls);
	const reset = useAction(async () => {
		await steady.change(() => ask("POST /tls/reset", { body: { allow_weaker: agreed, generation: steady.generation, ...within_part(within) } }));
		announce(within ? texts.tls.review.applied_waiting : t.reset_done);
		done();
	});
	return (
		<Confirm title={t.reset} verb={t.reset_verb} danger large action={reset} idle={plan.answer === null || (weaker && !agreed)} close={close} standing={steady}>
			<p>{t.reset_text}</p>
			<Loaded held={plan}>
				{(answer) => (
					<>
						<Meaning plan={answer} />
						<details><summary>{t.reset_variables(answer.changes.length)}</summary><Difference changes={answer.changes} /></details>
					</>
				)}
			</Loaded>
			<Within value={within} change={within_set} />
			{weaker && <Choice label={t.reset_weaker} checked={agreed} change={agreed_set} />}
		</Confirm>
	);
}

function Warnings({ variables }: { variables: Variables }) {
	if (variables.findings.length === 0) return null;
	return (
		<Panel title={t.findings}>
			{variables.findings.map((finding) => (
				<Note key={`${finding.line} ${finding.text}`} tone={finding.severity === "error" ? "bad" : finding.severity === "note" ? "plain" : "warn"}>
					{finding.place && <><span class="mono break">{finding.place}</span>: </>}{finding.text}{finding.line > 0 && <span class="soft"> {t.line(variables.file, finding.line)}</span>}
				</Note>
			))}
		</Panel>
	);
}

/** The scope that the address names. */
function useScope(scopes: readonly Scope[]) {
	const place = usePlace();
	const wanted = place.query.get("scope");
	const scope = scopes.find((each) => each.key === wanted) ?? scopes[0]!;
	return { scope, choose: (key: string) => go("/security/tls", { view: "advanced", scope: key }, true) };
}

export function Advanced({ variables, steady, dirty }: PolicyProps) {
	const { scope, choose } = useScope(scopes_of(variables));
	const may_change = useMayChange();
	const [draft, draft_set] = useState<Draft>({});
	const [open, open_set] = useState<"review" | "reset" | { key: string; value: string } | null>(null);
	const change = (key: string, value: string | undefined) => {
		const { [key]: _, ...rest } = draft;
		draft_set(value === undefined ? rest : { ...rest, [key]: value });
	};
	useDirty(!is_empty(draft) || open !== null, dirty);
	// What is wrong with a value stands beside it; only what the server can read is reviewed.
	const look = useAction(async () => {
		await ask("POST /tls/plan", { body: { variables: draft } });
		open_set("review");
	});
	const about = Object.keys(draft).find((key) => wrong_of(look.fault, key) !== null);
	useEffect(() => {
		if (about) choose(about.slice(0, about.lastIndexOf(".")));
	}, [look.fault]);
	const list = useWrongShown<HTMLDivElement>(look.fault);
	const close = () => open_set(null);
	const discard = () => {
		draft_set({});
		look.clear();
	};
	const done = () => {
		close();
		discard();
	};
	const taken = (key: string) => (value: string) => {
		change(key, value);
		close();
	};
	return (
		<>
			<Warnings variables={variables} />
			<div class="line apart">
				<div class="scope"><Select label={t.scope} value={scope.key} change={choose} options={scopes_of(variables).map((each) => [each.key, each.label] as const)} /></div>
				<button type="button" class="button danger" disabled={!may_change} onClick={() => open_set("reset")}>{t.reset}</button>
			</div>
			<p class="soft">{scope.hint}</p>
			<div class="stack" ref={list}>
				{groups.map((group) => <Group key={group.title} group={group} variables={variables} scope={scope} draft={draft} fault={look.fault} change={change} arrange={(key, value) => open_set({ key, value })} />)}
			</div>
			{!is_empty(draft) && <Pending text={t.unsaved(Object.keys(draft).length)} verb={texts.tls.minimum.save} standing={steady} fault={about ? null : look.fault} busy={look.busy} discard={discard} save={() => look.run()} />}
			{open === "review" && <Review wish={{ variables: draft }} steady={steady} close={close} done={done} />}
			{open === "reset" && <ResetDialog steady={steady} close={close} done={close} />}
			{open !== null && typeof open === "object" && <SuitesDialog value={open.value} close={close} take={taken(open.key)} />}
		</>
	);
}
