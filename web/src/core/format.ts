// SPDX-License-Identifier: Apache-2.0
// Numbers, sizes and times as people read them.
import { texts } from "../texts";

const whole = new Intl.NumberFormat("en");
const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });

export const number = (value: number) => whole.format(value);

export function bytes(value: number): string {
	const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
	let unit = 0;
	let rest = value;
	while (rest >= 1024 && unit < units.length - 1) {
		rest /= 1024;
		unit++;
	}
	return `${unit === 0 || rest >= 100 ? Math.round(rest) : rest.toFixed(1)} ${units[unit]}`;
}

/** A time of the API: seconds since 1970, or RFC 3339. */
export function date_of(value: number | string): Date {
	return new Date(typeof value === "number" ? value * 1000 : value);
}

const shown = (format: Intl.DateTimeFormat, value: number | string | null | undefined) => {
	if (value === null || value === undefined || value === 0 || value === "") return texts.common.none;
	const date = date_of(value);
	return Number.isNaN(date.getTime()) ? String(value) : format.format(date);
};
export const time = (value: number | string | null | undefined) => shown(moment, value);
export const date = (value: number | string | null | undefined) => shown(day, value);

/** So long, in the two largest units: "3 d 4 h", "12 min 5 s". */
export function span(seconds: number): string {
	const rest = Math.max(0, Math.round(seconds));
	const parts: [number, string][] = [[Math.floor(rest / 86400), "d"], [Math.floor(rest / 3600) % 24, "h"], [Math.floor(rest / 60) % 60, "min"], [rest % 60, "s"]];
	const first = parts.findIndex(([count]) => count > 0);
	if (first < 0) return "0 s";
	return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(" ");
}

export const ago = (value: number | string) => texts.common.ago(span((Date.now() - date_of(value).getTime()) / 1000));
