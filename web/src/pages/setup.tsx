// SPDX-License-Identifier: Apache-2.0
// The first steps of a new server: host name, first domain, first user, DNS records.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { Form, Text } from "../components/form";
import { Loaded, Mark, Page, Panel } from "../components/parts";
import { is_conflict, Outdated, type Standing } from "../components/together";
import { ask, type Answer } from "../core/api";
import { link_to } from "../core/router";
import { useMayChange } from "../core/session";
import { useSteady } from "../core/steady";
import { useAction, useAnswer, type Action } from "../core/use";
import { texts } from "../texts";
import { DnsRecords } from "./records";

const t = texts.setup;

function Step({ number, title, done, lead, children }: { number: number; title: string; done: boolean; lead: string; children?: ComponentChildren }) {
	return (
		<li>
			<Panel title={`${number}. ${title}`} lead={lead} actions={<Mark tone={done ? "good" : "warn"}>{done ? t.done : t.open}</Mark>}>{children}</Panel>
		</li>
	);
}

function StepForm({ action, verb, standing, children }: { action: Action<[]>; verb: string; standing?: Standing; children: ComponentChildren }) {
	const may_change = useMayChange();
	const is_late = standing !== undefined && (standing.is_outdated || is_conflict(action.fault));
	return (
		<>
			{standing && <Outdated standing={standing} fault={action.fault} drop={action.clear} />}
			<Form fault={is_late ? null : action.fault} submit={() => action.run()} end={<button type="submit" class="button main" disabled={action.busy || is_late || standing?.generation === "" || !may_change}>{verb}</button>}>{children}</Form>
		</>
	);
}

function Hostname({ now, reload }: { now: string; reload: () => void }) {
	const [name, name_set] = useState(now);
	const settings = useSteady("GET /settings", name !== now);
	const save = useAction(async () => {
		await settings.change(() => ask("PATCH /settings", { body: { values: { "Server.Hostname": name }, generation: settings.generation } }));
		announce(texts.common.saved);
		reload();
	});
	return (
		<StepForm action={save} verb={texts.common.save} standing={settings}>
			<Text label={t.hostname} name="Server/Hostname" value={name} change={name_set} placeholder="mail.example.org" />
		</StepForm>
	);
}

function FirstDomain({ reload }: { reload: () => void }) {
	const [name, name_set] = useState("");
	const add = useAction(async () => {
		await ask("POST /domains", { body: { name } });
		announce(texts.common.added(name));
		name_set("");
		reload();
	});
	return (
		<StepForm action={add} verb={texts.domains.add}>
			<Text label={texts.domains.name} name="name" value={name} change={name_set} placeholder="example.org" />
		</StepForm>
	);
}

function FirstUser({ domain, reload }: { domain: string; reload: () => void }) {
	const [address, address_set] = useState("");
	const [password, password_set] = useState("");
	const add = useAction(async () => {
		await ask("POST /users", { body: { address, password } });
		announce(texts.common.added(address));
		address_set("");
		password_set("");
		reload();
	});
	return (
		<StepForm action={add} verb={texts.users.add}>
			<div class="pair">
				<Text label={texts.users.address} name="address" type="email" value={address} change={address_set} placeholder={`anna@${domain}`} />
				<Text label={texts.users.password} name="password" type="password" value={password} change={password_set} autocomplete="new-password" />
			</div>
		</StepForm>
	);
}

type Steps = Answer<"GET /setup">;

/** What the server says of a step: done or not, and why. */
function said_of(setup: Steps, name: string): { done: boolean; text: string } {
	return setup.steps.find((step) => step.name === name) ?? { done: false, text: "" };
}

function AllSteps({ setup, reload }: { setup: Steps; reload: () => void }) {
	const shown = [
		["hostname", t.hostname, t.hostname_lead, <Hostname now={setup.hostname} reload={reload} />],
		["domain", t.domain, t.domain_lead, <FirstDomain reload={reload} />],
		["user", t.user, t.user_lead, <FirstUser domain={setup.domain || "example.org"} reload={reload} />],
		["administrator", t.administrator, t.administrator_lead, <a href={link_to("/users")}>{texts.pages.users}</a>],
		["certificate", t.certificate, t.certificate_lead, <a href={link_to("/security/certificates")}>{texts.pages.certificates}</a>],
		["records", t.records, t.records_lead, setup.domain ? <DnsRecords key={`${setup.hostname} ${setup.domain}`} domain={setup.domain} /> : <p class="soft">{t.records_wait}</p>],
	] as const;
	return (
		<ol class="steps">
			{shown.map(([name, title, lead, body], at) => {
				const said = said_of(setup, name);
				return (
					<Step key={name} number={at + 1} title={title} done={said.done} lead={lead}>
						<p class={said.done ? "soft" : ""}>{said.text}</p>
						{said.done && name !== "records" ? <details><summary>{t.again}</summary>{body}</details> : body}
					</Step>
				);
			})}
		</ol>
	);
}

export function Setup() {
	const setup = useAnswer("GET /setup");
	return (
		<Page title={t.title} lead={t.lead} actions={<button type="button" class="button" onClick={setup.reload}>{t.look_again}</button>}>
			<Loaded held={setup}>{(answer) => <AllSteps setup={answer} reload={setup.reload} />}</Loaded>
		</Page>
	);
}
