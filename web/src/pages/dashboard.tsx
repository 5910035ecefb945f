// SPDX-License-Identifier: Apache-2.0
// What an administrator looks at first: mail, versions of TLS, queue, certificates, disk, and what is wrong.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Chart } from "../components/chart";
import { Loaded, Mark, Note, Page, Panel, Waiting } from "../components/parts";
import { bytes, number, span, time } from "../core/format";
import { link_to } from "../core/router";
import { useKnown, type Status } from "../core/session";
import { useAnswer } from "../core/use";
import { texts } from "../texts";
import { figure_line, times_of, useHistory, type MetricsHistory, type Window } from "./history";
import { Shares, WindowSelect } from "./tls/handshakes";

const t = texts.dashboard;
const refresh_ms = 15000;

function Figure({ label, value, more, to }: { label: string; value: ComponentChildren; more?: ComponentChildren; to: string }) {
	return (
		<a class="figure" href={link_to(to)}>
			<span class="label">{label}</span>
			<span class="value">{value}</span>
			<span class="more">{more}</span>
		</a>
	);
}

function Figures({ status }: { status: Status }) {
	const queue = useAnswer("GET /queue", { query: { limit: "1" } }, refresh_ms);
	const connections = useAnswer("GET /connections", { query: { limit: "1" } }, refresh_ms);
	const users = useAnswer("GET /users", { query: { limit: "1" } }, refresh_ms);
	const soonest = status.certificates.reduce<number | null>((least, each) => (least === null ? each.days_left : Math.min(least, each.days_left)), null);
	return (
		<div class="figures">
			<Figure label={t.queue} value={queue.answer ? number(queue.answer.total) : "–"} more={t.queue_more} to="/queue" />
			<Figure label={t.sessions} value={connections.answer ? number(connections.answer.total) : "–"} more={t.sessions_more} to="/connections" />
			<Figure label={t.users} value={users.answer ? number(users.answer.total) : "–"} more={t.users_more} to="/users" />
			<Figure label={t.certificates} value={soonest === null ? "–" : t.days(soonest)} more={t.certificates_more(status.certificates.length)} to="/security/certificates" />
			{status.disk && <Figure label={t.disk} value={bytes(status.disk.free_bytes)} more={t.disk_more(bytes(status.disk.size_bytes))} to="/settings" />}
			<Figure label={t.ports} value={number(status.listeners.length)} more={t.ports_more} to="/services" />
		</div>
	);
}

/** Everything that wants to be looked at, each with where to. */
function troubles(status: Status): { tone: "bad" | "warn"; title: string; text: string }[] {
	const found: { tone: "bad" | "warn"; title: string; text: string }[] = [];
	if (status.config_broken) found.push({ tone: "bad", title: t.config_broken, text: String(status.config_broken) });
	for (const role of status.roles) {
		if (role.state !== "ready") found.push({ tone: "bad", title: t.role_down(role.name), text: t.role_state(role.state, role.restarts) });
	}
	const check = status.self_check;
	const differences = [...(check?.differences ?? []), ...(check?.ports?.differences ?? [])];
	if (differences.length > 0) found.push({ tone: "bad", title: t.self_check, text: differences.map((each) => (typeof each === "string" ? each : JSON.stringify(each))).join("; ") });
	for (const certificate of status.certificates) {
		if (certificate.expires_soon) found.push({ tone: certificate.days_left < 0 ? "bad" : "warn", title: t.expires(certificate.name), text: t.expires_text(certificate.days_left) });
	}
	if (status.disk?.is_low) found.push({ tone: "bad", title: t.disk_low, text: t.disk_low_text(bytes(status.disk.free_bytes), status.disk.inodes > 0 ? number(status.disk.free_inodes) : null) });
	if (status.evidence && !status.evidence.is_written) found.push({ tone: "bad", title: t.evidence, text: t.evidence_text });
	return found;
}

function Troubles({ status }: { status: Status }) {
	const found = troubles(status);
	if (found.length === 0) return <Note tone="good">{t.all_well}</Note>;
	return <>{found.map((each) => <Note key={each.title} tone={each.tone} title={each.title}><span class="break">{each.text}</span></Note>)}</>;
}

function ServerFacts({ status }: { status: Status }) {
	const check = status.self_check;
	const shakes = (check?.handshakes ?? 0) + (check?.ports?.handshakes ?? 0);
	return (
		<Panel title={t.server}>
			<dl class="facts">
				<dt>{t.version}</dt><dd>{status.version}</dd>
				<dt>{t.up}</dt><dd>{span(Date.now() / 1000 - status.started)}, {t.since} {time(status.started)}</dd>
				<dt>{t.applied}</dt><dd>{time(status.applied)}</dd>
				<dt>{t.self_check}</dt><dd><Mark tone={check?.state === "passed" ? "good" : "warn"}>{check?.state ?? "–"}</Mark> {t.self_check_text(shakes)}</dd>
				<dt>{t.evidence_short}</dt><dd>{t.entries(status.evidence?.entries ?? 0)}</dd>
				{status.disk && <><dt>{t.disk}</dt><dd>{t.disk_text(bytes(status.disk.free_bytes), bytes(status.disk.size_bytes), status.disk.inodes > 0 ? number(status.disk.free_inodes) : null)}</dd></>}
				<dt>{t.processes}</dt><dd>{status.roles.map((role) => role.name).join(", ")}</dd>
			</dl>
		</Panel>
	);
}

/** Mail for other servers, by the TLS that it went with, and what waits for them. */
function Sent() {
	const [window, window_set] = useState<Window>("3600");
	const history = useHistory(window);
	const sent = (answer: MetricsHistory) => [
		figure_line(answer, "TLSv1.3", (sample) => sample.relayed_tls13),
		figure_line(answer, "TLSv1.2", (sample) => sample.relayed_tls12),
		figure_line(answer, t.sent_older, (sample) => sample.relayed_older),
		figure_line(answer, t.sent_plain, (sample) => sample.relayed_plain),
		figure_line(answer, t.sent_delayed, (sample) => sample.delayed),
		figure_line(answer, t.sent_failed, (sample) => sample.failed),
		figure_line(answer, t.sent_tls, (sample) => sample.unsent_tls),
	];
	return (
		<Panel title={t.sent} lead={t.sent_lead} actions={<WindowSelect window={window} change={window_set} />}>
			<Loaded held={history}>
				{(answer) => (
					<>
						<Chart label={t.sent} times={times_of(answer)} lines={sent(answer)} height={200} />
						<Chart label={t.queue_length} times={times_of(answer)} lines={[figure_line(answer, t.queue_length, (sample) => sample.queued)]} height={140} />
					</>
				)}
			</Loaded>
		</Panel>
	);
}

function Flow() {
	const [window, window_set] = useState<Window>("3600");
	const history = useHistory(window);
	const lines = (answer: MetricsHistory) => [
		figure_line(answer, t.received, (sample) => sample.messages_received),
		figure_line(answer, t.delivered, (sample) => sample.messages_delivered),
		figure_line(answer, t.rejected, (sample) => sample.messages_rejected),
		figure_line(answer, t.logins, (sample) => sample.logins),
		figure_line(answer, t.logins_failed, (sample) => sample.logins_failed),
	];
	return (
		<Panel title={t.flow} lead={t.flow_lead} actions={<WindowSelect window={window} change={window_set} />}>
			<Loaded held={history}>{(answer) => <Chart label={t.flow} times={times_of(answer)} lines={lines(answer)} height={220} />}</Loaded>
		</Panel>
	);
}

export function Dashboard() {
	const { status } = useKnown();
	if (!status.answer) return <Page title={t.title}>{status.fault ? <Note tone="bad" role="alert">{status.fault.message}</Note> : <Waiting />}</Page>;
	return (
		<Page title={t.title} lead={t.lead}>
			<Figures status={status.answer} />
			<Troubles status={status.answer} />
			<Flow />
			<Sent />
			<div class="split">
				<ServerFacts status={status.answer} />
				<Shares />
			</div>
		</Page>
	);
}
