// SPDX-License-Identifier: Apache-2.0
// Handshakes as the server counts them: which versions peers use, and with which service.
import { useState } from "preact/hooks";
import { Chart, type Line } from "../../components/chart";
import { Empty, FaultNote, Panel, Version, Waiting } from "../../components/parts";
import { number } from "../../core/format";
import { totals, useSamples, type Sample } from "../../core/metrics";
import { texts } from "../../texts";

const t = texts.tls.handshakes;

type By = "version" | "service";

function Bars({ rows, by }: { rows: readonly (readonly [string, number])[]; by: By }) {
	const sum = rows.reduce((total, [, count]) => total + count, 0);
	return (
		<div class="bars">
			{rows.map(([name, count]) => (
				<div class="bar" key={name}>
					{by === "version" ? <Version name={name} /> : <span>{name}</span>}
					<meter min={0} max={sum} value={count} aria-label={t.share(name)} />
					<span class="num small">{number(count)} · {((100 * count) / sum).toFixed(count === sum ? 0 : 1)} %</span>
				</div>
			))}
		</div>
	);
}

/** Who used which version since the server was started. */
export function Shares() {
	const { samples, fault } = useSamples();
	const last = samples.at(-1);
	const rows = last ? totals(last.handshakes, "version") : [];
	return (
		<Panel title={t.shares} lead={t.shares_lead}>
			<FaultNote fault={fault} />
			{!last && !fault && <Waiting />}
			{last && rows.length === 0 && <Empty title={t.none}><p>{t.none_text}</p></Empty>}
			{last && rows.length > 0 && (
				<>
					<Bars rows={rows} by="version" />
					<h3>{t.by_service}</h3>
					<Bars rows={totals(last.handshakes, "service")} by="service" />
				</>
			)}
		</Panel>
	);
}

/** Handshakes between one sample and the next, a line for each version or service. */
function lines_of(samples: readonly Sample[], by: By): { times: number[]; lines: Line[] } {
	const names = [...new Set(samples.flatMap((sample) => sample.handshakes.map((count) => count[by])))].sort();
	const of = (sample: Sample, name: string) => sample.handshakes.reduce((sum, count) => sum + (count[by] === name ? count.count : 0), 0);
	return {
		times: samples.slice(1).map((sample) => sample.time),
		// A server that was started anew counts from the beginning.
		lines: names.map((name) => ({ name, values: samples.slice(1).map((sample, at) => Math.max(0, of(sample, name) - of(samples[at]!, name))) })),
	};
}

export function Handshakes() {
	const { samples, fault } = useSamples();
	const [by, by_set] = useState<By>("version");
	const tools = (
		<select aria-label={t.by} value={by} onChange={(event) => by_set(event.currentTarget.value as By)}>
			<option value="version">{t.by_version}</option>
			<option value="service">{t.by_service}</option>
		</select>
	);
	return (
		<Panel title={t.title} lead={t.lead} actions={tools}>
			<FaultNote fault={fault} />
			<Chart label={t.title} {...lines_of(samples, by)} />
		</Panel>
	);
}
