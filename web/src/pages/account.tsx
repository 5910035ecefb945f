// SPDX-License-Identifier: Apache-2.0
// One's own account: password, second factor, sessions. An auditor's too: these are his.
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { FormDialog } from "../components/dialog";
import { Form, Text } from "../components/form";
import { FaultNote, Loaded, Mark, Note, Page, Panel } from "../components/parts";
import { QrCode } from "../components/qr";
import { Table, type Column } from "../components/table";
import { ask, Fault, type Answer } from "../core/api";
import { date, time } from "../core/format";
import { useAction, useAnswer } from "../core/use";
import { texts } from "../texts";

const t = texts.account;

type Account = Answer<"GET /account">;
type Session = Account["sessions"][number];
interface Changed {
	changed: () => void;
}

function Password({ changed }: Changed) {
	const [old, old_set] = useState("");
	const [next, next_set] = useState("");
	const [again, again_set] = useState("");
	const change = useAction(async () => {
		if (next !== again) throw new Fault(0, "invalid", t.differ, "again");
		await ask("POST /account/password", { body: { old, new: next } });
		for (const set of [old_set, next_set, again_set]) set("");
		announce(t.password_changed);
		changed();
	});
	const end = <button type="submit" class="button main" disabled={change.busy}>{t.change_password}</button>;
	return (
		<Panel title={t.password} lead={t.password_lead}>
			<Form fault={change.fault} submit={() => change.run()} end={end} label={t.password}>
				<Text label={t.old} name="old" type="password" value={old} change={old_set} autocomplete="current-password" />
				<div class="pair">
					<Text label={t.new} name="password" type="password" value={next} change={next_set} autocomplete="new-password" />
					<Text label={t.again} name="again" type="password" value={again} change={again_set} autocomplete="new-password" />
				</div>
			</Form>
		</Panel>
	);
}

/** The password once more, for what whoever finds an open page must not do. */
function Proof({ title, verb, text, act, close }: { title: string; verb: string; text: string; act: (password: string) => Promise<unknown>; close: () => void }) {
	const [password, password_set] = useState("");
	const action = useAction(async () => {
		await act(password);
		close();
	});
	return (
		<FormDialog title={title} verb={verb} action={action} close={close} lead={text}>
			<Text label={t.your_password} name="password" type="password" value={password} change={password_set} autocomplete="current-password" />
		</FormDialog>
	);
}

/** In groups of four, as people copy it. */
const grouped = (secret: string) => secret.replace(/(.{4})(?=.)/g, "$1 ");

function Begun({ begun, changed }: { begun: Answer<"POST /account/totp"> } & Changed) {
	const [code, code_set] = useState("");
	const confirm = useAction(async () => {
		await ask("POST /account/totp/confirm", { body: { code: code.replace(/\s/g, "") } });
		announce(t.factor_on);
		changed();
	});
	const end = <button type="submit" class="button main" disabled={confirm.busy}>{t.factor_confirm}</button>;
	return (
		<>
			<p>{t.scan}</p>
			<div class="line">
				<QrCode text={begun.uri} label={t.qr} />
				<div class="stack tight">
					<span class="soft small">{t.by_hand}</span>
					<code class="break">{grouped(begun.secret)}</code>
				</div>
			</div>
			<Form fault={confirm.fault} submit={() => confirm.run()} end={end} label={t.factor}>
				<Text label={t.code} name="code" value={code} change={code_set} autocomplete="one-time-code" hint={t.code_hint} mono />
			</Form>
		</>
	);
}

function SecondFactor({ account, changed }: { account: Account } & Changed) {
	const [asking, asking_set] = useState(false);
	const [begun, begun_set] = useState<Answer<"POST /account/totp"> | null>(null);
	const is_on = account.totp;
	const begin = async (password: string) => begun_set(await ask("POST /account/totp", { body: { password } }));
	const end = async (password: string) => {
		await ask("DELETE /account/totp", { body: { password } });
		announce(t.factor_off);
		changed();
	};
	const settled = () => {
		begun_set(null);
		changed();
	};
	const actions = begun === null && <button type="button" class={`button ${is_on ? "" : "main"}`} onClick={() => asking_set(true)}>{is_on ? t.factor_end : t.factor_begin}</button>;
	return (
		<Panel title={t.factor} lead={t.factor_lead} actions={actions}>
			{is_on && <Note tone="good">{account.totp_since ? t.factor_since(date(account.totp_since)) : t.factor_is_on}</Note>}
			{!is_on && begun === null && <Note>{t.factor_is_off}</Note>}
			{begun !== null && <Begun begun={begun} changed={settled} />}
			{asking && <Proof title={is_on ? t.factor_end : t.factor_begin} verb={is_on ? t.factor_end_verb : texts.common.next} text={is_on ? t.factor_end_text : t.factor_begin_text} act={is_on ? end : begin} close={() => asking_set(false)} />}
		</Panel>
	);
}

const columns: readonly Column<Session>[] = [
	{ title: t.from, cell: (session) => (
		<span class="line">
			<span class="mono">{session.address || texts.common.none}</span>
			{session.current && <Mark tone="accent">{t.this_one}</Mark>}
		</span>
	) },
	{ title: t.since, kind: "num nowrap", cell: (session) => time(session.created) },
	{ title: t.used, kind: "num nowrap", cell: (session) => time(session.used) },
	{ title: t.ends, kind: "num nowrap", cell: (session) => time(session.ends) },
];

function Sessions({ account, changed }: { account: Account } & Changed) {
	const end = useAction(async () => {
		await ask("DELETE /account/sessions");
		announce(t.others_ended);
		changed();
	});
	const has_others = account.sessions.some((session) => !session.current);
	const actions = <button type="button" class="button" disabled={end.busy || !has_others} onClick={() => end.run()}>{t.end_others}</button>;
	return (
		<Panel title={t.sessions} lead={t.sessions_lead} actions={actions} bare>
			<FaultNote fault={end.fault} />
			<Table caption={t.sessions} columns={columns} rows={account.sessions} row_key={(session) => session.name} />
		</Panel>
	);
}

export function OwnAccount() {
	const account = useAnswer("GET /account");
	return (
		<Page title={texts.pages.account} lead={account.answer ? t.lead(account.answer.address) : undefined}>
			<Loaded held={account}>
				{(answer) => (
					<>
						<div class="halves">
							<SecondFactor account={answer} changed={account.reload} />
							<Password changed={account.reload} />
						</div>
						<Sessions account={answer} changed={account.reload} />
					</>
				)}
			</Loaded>
		</Page>
	);
}
