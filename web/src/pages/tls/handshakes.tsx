// SPDX-License-Identifier: Apache-2.0
// Handshakes as the server counts them: which versions peers use, and with which service.
import { useState } from "preact/hooks";
import { Chart } from "../../components/chart";
import { Empty, FaultNote, Loaded, Panel, Version, Waiting } from "../../components/parts";
import { number } from "../../core/format";
import { totals, useCounts } from "../../core/metrics";
import { texts } from "../../texts";
import { handshake_lines, times_of, useHistory, windows, type Window } from "../history";

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
	const { counts, fault } = useCounts();
	const rows = counts ? totals(counts, "version") : [];
	return (
		<Panel title={t.shares} lead={t.shares_lead}>
			<FaultNote fault={fault} />
			{!counts && !fault && <Waiting />}
			{counts && rows.length === 0 && <Empty title={t.none}><p>{t.none_text}</p></Empty>}
			{counts && rows.length > 0 && (
				<>
					<Bars rows={rows} by="version" />
					<h3>{t.by_service}</h3>
					<Bars rows={totals(counts, "service")} by="service" />
				</>
			)}
		</Panel>
	);
}

export function WindowSelect({ window, change }: { window: Window; change: (window: Window) => void }) {
	return (
		<select aria-label={t.window} value={window} onChange={(event) => change(event.currentTarget.value as Window)}>
			{(Object.keys(windows) as Window[]).map((key) => <option key={key} value={key}>{t.windows[key]}</option>)}
		</select>
	);
}

export function Handshakes() {
	const [window, window_set] = useState<Window>("3600");
	const [by, by_set] = useState<By>("version");
	const history = useHistory(window);
	const tools = (
		<>
			<select aria-label={t.by} value={by} onChange={(event) => by_set(event.currentTarget.value as By)}>
				<option value="version">{t.by_version}</option>
				<option value="service">{t.by_service}</option>
			</select>
			<WindowSelect window={window} change={window_set} />
		</>
	);
	return (
		<Panel title={t.title} lead={t.lead} actions={tools}>
			<Loaded held={history}>
				{(answer) => <Chart label={t.title} times={times_of(answer)} lines={handshake_lines(answer, by)} />}
			</Loaded>
		</Panel>
	);
}
