// SPDX-License-Identifier: Apache-2.0
// Partners: the rows of TlsPolicy, and a probe of what a destination offers.
import { useState } from "preact/hooks";
import { Form, Select, Text } from "../components/form";
import { Facts, Mark, Note, Panel, Version, type Tone } from "../components/parts";
import { ProgressBar, useProgress } from "../components/progress";
import { RowsPage, type Kinds, type Row } from "../components/rows";
import { Table, type Column } from "../components/table";
import type { Answer } from "../core/api";
import { follow } from "../core/follow";
import { time } from "../core/format";
import { useAction } from "../core/use";
import { texts } from "../texts";

const t = texts.partners;

const kinds: Kinds = {
	Direction: t.directions,
	Service: ["", "SMTP", "Submission", "SMTPS", "IMAP", "IMAPS", "POP3", "POP3S", "HTTPS"].map((name) => [name, name || t.every_service] as const),
	Level: t.levels,
	MinVersion: [["", texts.common.none], ["TLSv1.1", "TLSv1.1"], ["TLSv1.2", "TLSv1.2"], ["TLSv1.3", "TLSv1.3"]],
	Mode: t.modes,
	SessionTickets: t.switches,
	PostQuantum: t.switches,
	LegacyRenegotiation: t.switches,
	Expires: "date",
};

const level_tones: Record<string, Tone> = { verify: "good", pin: "good", encrypt: "accent", none: "warn" };

const columns: Column<Row>[] = [
	{ title: t.peer, cell: (row) => row.values.Peer },
	{ title: t.direction, cell: (row) => (row.values.Direction === "in" ? texts.tls.inbound_short : texts.tls.outbound_short) },
	{ title: t.level, cell: (row) => <Mark tone={level_tones[row.values.Level ?? ""] ?? "plain"}>{row.values.Level || "may"}</Mark> },
	{ title: t.min, cell: (row) => (row.values.MinVersion ? <Version name={row.values.MinVersion} /> : "") },
	{ title: t.reason, cell: (row) => <span class="break">{row.values.Reason || row.values.Comment}</span> },
	{ title: t.expires, kind: "nowrap num", cell: (row) => row.values.Expires },
];

type Report = Answer<"GET /tls/probe">;
type Link = NonNullable<NonNullable<Report["certificate"]>["chain"]>[number];

const chain_columns: Column<Link>[] = [
	{ title: t.subject, cell: (link) => <span class="break">{link.subject}<span class="sub">{link.names}</span></span> },
	{ title: t.issuer, cell: (link) => <span class="break">{link.issuer}</span> },
	{ title: t.key, cell: (link) => link.key },
	{ title: t.until, kind: "nowrap num", cell: (link) => time(link.not_after) },
	{ title: t.pin, kind: "mono", cell: (link) => <span class="break">{link.pin}</span> },
];

/** What one probe found. */
function ProbeReport({ report }: { report: Report }) {
	const is_good = report.outcome === "tls" && (report.certificate === undefined || !report.failure);
	return (
		<div class="stack" role="status">
			<Note tone={is_good ? "good" : report.outcome === "failed" ? "bad" : "warn"} title={t.outcomes[report.outcome as keyof typeof t.outcomes] ?? report.outcome}>
				{report.failure && <span class="break">{report.failure.words}</span>}
			</Note>
			<Facts rows={[
				[t.target, `${report.target}, ${report.service}, ${report.port}`],
				...(report.address ? [[t.address, report.address] as const] : []),
				...(report.greeting ? [[t.greeting, <span class="mono break">{report.greeting}</span>] as const] : []),
				...(report.tls ? [[t.negotiated, <><Version name={report.tls.version} /> <span class="mono">{report.tls.suite} {report.tls.group}</span></>] as const] : []),
				...(report.rule ? [[t.rule, `${report.rule.level}; ${report.rule.row ?? report.rule.table}`] as const] : []),
				...(report.certificate ? [[t.certificate, report.certificate.words] as const] : []),
			]} />
			{report.certificate && <Table caption={t.chain} columns={chain_columns} rows={report.certificate.chain} row_key={(link) => link.pin + link.subject} />}
		</div>
	);
}

function Probe() {
	const [destination, destination_set] = useState("");
	const [service, service_set] = useState("SMTP");
	const [report, report_set] = useState<Report | null>(null);
	const [progress, followed] = useProgress();
	const probe = useAction(async () => {
		report_set(null);
		report_set(await followed((tell) => follow("GET /tls/probe", { query: { destination, service } }, tell)));
	});
	const end = <button type="submit" class="button main" disabled={probe.busy || destination === ""}>{probe.busy ? t.probing : t.probe_verb}</button>;
	return (
		<Panel title={t.probe} lead={t.probe_lead}>
			<Form fault={probe.fault} submit={() => probe.run()} end={end} label={t.probe}>
				<div class="pair">
					<Text label={t.destination} name="destination" value={destination} change={destination_set} placeholder="example.org" hint={t.destination_hint} />
					<Select label={t.service} name="service" value={service} change={service_set} options={["SMTP", "Submission", "SMTPS", "IMAPS", "POP3", "POP3S", "HTTPS"].map((name) => [name, name] as const)} />
				</div>
			</Form>
			<ProgressBar label={t.probe} progress={progress} />
			{report && <ProbeReport report={report} />}
		</Panel>
	);
}

export function Partners() {
	return (
		<RowsPage list="TlsPolicy" words={t} kinds={kinds} columns={columns} name={(row) => row.values.Peer ?? ""}>
			{() => <Probe />}
		</RowsPage>
	);
}
