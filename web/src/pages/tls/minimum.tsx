// SPDX-License-Identifier: Apache-2.0
// The drop-down of the minimum version, and in words what it will change, before anything is saved.
import { useState } from "preact/hooks";
import { Choice, Select } from "../../components/form";
import { Loaded, Note, Panel } from "../../components/parts";
import { Outdated } from "../../components/together";
import { useMayChange } from "../../core/session";
import { useAnswer } from "../../core/use";
import { texts } from "../../texts";
import { minimum_of, minimum_wish, tables, useDirty, versions, type PolicyProps, type Variables, type Wish } from "./model";
import { Meaning, Review } from "./review";

const t = texts.tls.minimum;

type Lowest = Readonly<Record<(typeof tables)[number], string>>;

function lowest_now(variables: Variables): Lowest {
	const of = (table: string) => minimum_of(variables, table) ?? "";
	return { SmtpSecurity: of("SmtpSecurity"), Security: of("Security") };
}

const is_same = (one: Lowest, other: Lowest) => tables.every((table) => one[table] === other[table]);

function VersionSelect({ label, value, change, disabled, hint }: { label: string; value: string; change: (value: string) => void; disabled: boolean; hint?: string }) {
	const options = versions.map((version) => [version, t.options[version]] as const);
	return <Select label={label} hint={hint} value={value} change={change} disabled={disabled} options={value === "" ? [["", t.mixed], ...options] : options} />;
}

/** What the chosen minimum would change: asked of the server at each choice. */
function Preview({ wish }: { wish: Wish }) {
	const plan = useAnswer("POST /tls/plan", { body: wish });
	return (
		<div class="stack" aria-live="polite" aria-busy={plan.busy}>
			<h3>{t.preview}</h3>
			<Loaded held={plan}>{(answer) => <Meaning plan={answer} />}</Loaded>
		</div>
	);
}

export function Minimum({ variables, steady, dirty }: PolicyProps) {
	const now = lowest_now(variables);
	const may_change = useMayChange();
	const [chosen, chosen_set] = useState<Lowest | null>(null);
	const [apart, apart_set] = useState(now.SmtpSecurity !== now.Security);
	const [reviewing, reviewing_set] = useState(false);
	const lowest = chosen ?? now;
	// Choosing what is in force begins no change.
	const is_begun = chosen !== null && !is_same(chosen, now);
	const is_changed = is_begun && tables.every((table) => chosen[table] !== "");
	useDirty(is_begun, dirty);
	const finished = () => {
		reviewing_set(false);
		chosen_set(null);
	};
	const joined = (is_apart: boolean) => {
		apart_set(is_apart);
		if (!is_apart) chosen_set(lowest.Security === lowest.SmtpSecurity ? chosen : { SmtpSecurity: lowest.Security, Security: lowest.Security });
	};
	const footer = (
		<>
			<span class="soft small">{is_changed ? t.unsaved : t.in_force}</span>
			<span class="actions">
				<button type="button" class="button" disabled={!is_changed} onClick={() => chosen_set(null)}>{texts.common.discard}</button>
				<button type="button" class="button main" disabled={!is_changed || !may_change || steady.is_outdated} onClick={() => reviewing_set(true)}>{t.save}</button>
			</span>
		</>
	);
	return (
		<Panel title={t.title} lead={t.lead} footer={footer}>
			<Outdated standing={steady} drop={() => chosen_set(null)} />
			<fieldset class="line" disabled={!may_change}>
				<legend class="unseen">{t.scope}</legend>
				<Choice group="scope" label={t.together} checked={!apart} change={() => joined(false)} />
				<Choice group="scope" label={t.apart} checked={apart} change={() => joined(true)} />
			</fieldset>
			{apart ? (
				<div class="form"><div class="pair">
					<VersionSelect label={t.smtp} hint={t.smtp_hint} value={lowest.SmtpSecurity} disabled={!may_change} change={(version) => chosen_set({ ...lowest, SmtpSecurity: version })} />
					<VersionSelect label={t.rest} hint={t.rest_hint} value={lowest.Security} disabled={!may_change} change={(version) => chosen_set({ ...lowest, Security: version })} />
				</div></div>
			) : (
				<VersionSelect label={t.all} value={now.SmtpSecurity === now.Security || chosen ? lowest.Security : ""} disabled={!may_change} change={(version) => chosen_set({ SmtpSecurity: version, Security: version })} />
			)}
			{!may_change && <Note>{texts.common.auditor}</Note>}
			{is_changed && <Preview wish={minimum_wish(lowest)} />}
			{reviewing && <Review wish={minimum_wish(lowest)} steady={steady} close={() => reviewing_set(false)} done={finished} />}
		</Panel>
	);
}
