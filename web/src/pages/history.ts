// SPDX-License-Identifier: Apache-2.0
// The samples that the server keeps, as lines of charts.
import type { Line } from "../components/chart";
import type { Answer } from "../core/api";
import { useAnswer } from "../core/use";

export type MetricsHistory = Answer<"GET /metrics/history">;
type Sample = MetricsHistory["samples"][number];

/** The windows that can be chosen, in seconds, and the step of their points. */
export const windows = { "3600": 60, "86400": 900, "604800": 3600 } as const;
export type Window = keyof typeof windows;

/** The samples of a window that ends now; asked for anew each minute. */
export function useHistory(window: Window) {
	const step = windows[window];
	const since = Math.floor(Date.now() / 60000) * 60 - Number(window);
	return useAnswer("GET /metrics/history", { query: { since: String(since), step: String(step) } }, 60000);
}

export function times_of(history: MetricsHistory): number[] {
	return history.samples.map((sample) => sample.time);
}

export function figure_line(history: MetricsHistory, name: string, of: (sample: Sample) => number): Line {
	return { name, values: history.samples.map(of) };
}

/** Handshakes of a sample with one version, or with one service. */
function count_of(sample: Sample, by: "version" | "service", name: string): number {
	if (by === "service") return Object.values(sample.handshakes[name] ?? {}).reduce((sum, count) => sum + count, 0);
	return Object.values(sample.handshakes).reduce((sum, versions) => sum + (versions[name] ?? 0), 0);
}

/** One line for each version, or each service, that was seen. */
export function handshake_lines(history: MetricsHistory, by: "version" | "service"): Line[] {
	const names = new Set(history.samples.flatMap((sample) => (by === "service" ? Object.keys(sample.handshakes) : Object.values(sample.handshakes).flatMap((versions) => Object.keys(versions)))));
	return [...names].sort().map((name) => figure_line(history, name, (sample) => count_of(sample, by, name)));
}
