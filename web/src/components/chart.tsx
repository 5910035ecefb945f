// SPDX-License-Identifier: Apache-2.0
// Charts over time (uPlot), and a table with the same figures for who cannot see them.
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { number, time } from "../core/format";
import { texts } from "../texts";
import { Empty } from "./parts";

export interface Line {
	name: string;
	values: readonly (number | null)[];
}

interface ChartProps {
	label: string;
	/** Seconds since 1970, growing. */
	times: readonly number[];
	lines: readonly Line[];
	height?: number;
	/** Draws each line on top of those before it. */
	stacked?: boolean;
	value?: (value: number) => string;
}

const light = ["#0e5a73", "#2f8f5b", "#b26a00", "#a8325f", "#5b54b0", "#6b7783"];
const dark = ["#5bb8d4", "#6cc790", "#e5b25a", "#ef8fb3", "#a9a3f0", "#a6b1bc"];
/** Between ticks: 1, 2, 5, 10, 20, 50, ... */
const whole_steps = Array.from({ length: 14 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
const dashes = [[], [6, 3], [2, 3], [10, 3, 2, 3], [4, 4], [1, 2]];

function is_dark(): boolean {
	const chosen = document.documentElement.dataset.theme;
	return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** The values with those of the lines before added, for drawing. */
function stack(lines: readonly Line[]): (number | null)[][] {
	const sum: number[] = [];
	return lines.map((line) => line.values.map((value, at) => (sum[at] = (sum[at] ?? 0) + (value ?? 0))));
}

function options(props: ChartProps, width: number, night: boolean): uPlot.Options {
	const colours = night ? dark : light;
	const ink = night ? "#a6b1bc" : "#4b5866";
	const grid = { stroke: night ? "#2b333c" : "#e6eaee", width: 1 };
	const axis = { stroke: ink, grid, ticks: { show: false }, font: "11px system-ui, sans-serif" };
	const shown = props.value ?? number;
	return {
		width,
		height: props.height ?? 200,
		cursor: { points: { size: 6 }, drag: { x: false, y: false } },
		scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.05, 1)] } },
		// What is counted has no halves.
		axes: [axis, { ...axis, size: 56, incrs: whole_steps, values: (_, ticks) => ticks.map(shown) }],
		series: [
			{ label: texts.common.time, value: (_, at) => (at === null ? "–" : time(at)) },
			...props.lines.map((line, at) => ({
				label: line.name,
				stroke: colours[at % colours.length]!,
				width: 1.75,
				dash: dashes[at % dashes.length]!,
				points: { show: false },
				...(props.stacked ? { fill: `${colours[at % colours.length]}2e` } : {}),
				value: (_: uPlot, __: number | null, ___: number, index: number | null) => {
					const value = index === null ? null : line.values[index];
					return value === null || value === undefined ? "–" : shown(value);
				},
			})),
		],
	};
}

function draw(host: HTMLElement, props: ChartProps, night: boolean): () => void {
	const lines = props.stacked ? stack(props.lines) : props.lines.map((line) => [...line.values]);
	const plot = new uPlot(options(props, host.clientWidth || 600, night), [[...props.times], ...lines], host);
	const sized = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: props.height ?? 200 }));
	sized.observe(host);
	return () => {
		sized.disconnect();
		plot.destroy();
	};
}

/** True while dark colours are shown; follows the system and the switch of the page. */
function useNight(): boolean {
	const [night, night_set] = useState(is_dark);
	useEffect(() => {
		const media = matchMedia("(prefers-color-scheme: dark)");
		const changed = () => night_set(is_dark());
		const watched = new MutationObserver(changed);
		media.addEventListener("change", changed);
		watched.observe(document.documentElement, { attributeFilter: ["data-theme"] });
		return () => {
			media.removeEventListener("change", changed);
			watched.disconnect();
		};
	}, []);
	return night;
}

function Figures({ label, times, lines }: ChartProps) {
	const last = times.length - 1;
	return (
		<table class="unseen">
			<caption>{label}</caption>
			<thead><tr><th>{texts.common.series}</th><th>{texts.common.latest}</th><th>{texts.common.largest}</th></tr></thead>
			<tbody>
				{lines.map((line) => (
					<tr key={line.name}><td>{line.name}</td><td>{number(line.values[last] ?? 0)}</td><td>{number(Math.max(0, ...line.values.map((value) => value ?? 0)))}</td></tr>
				))}
			</tbody>
		</table>
	);
}

export function Chart(props: ChartProps) {
	const host = useRef<HTMLDivElement>(null);
	const night = useNight();
	const drawn = JSON.stringify([props.times, props.lines]);
	useEffect(() => (host.current && props.times.length > 1 ? draw(host.current, props, night) : undefined), [drawn, night]);
	if (props.times.length < 2) return <Empty title={texts.common.no_figures}><p>{texts.common.no_figures_yet}</p></Empty>;
	return (
		<figure>
			<div class="chart" ref={host} aria-hidden="true" />
			<Figures {...props} />
		</figure>
	);
}
