// SPDX-License-Identifier: Apache-2.0
// The few pictures of the page; none carries a meaning that is not written beside it.
const paths = {
	gate: "M5 20v-9a7 7 0 0 1 14 0v9M9 20v-8.500a3 3 0 0 1 6 0V20M3 20h18",
	warn: "M12 4 2.800 19.500h18.400L12 4zM12 10v4.500M12 17v.2",
	bad: "M8 3h8l5 5v8l-5 5H8l-5-5V8l5-5zM12 8v5M12 16v.2",
	good: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 12.200l2.800 2.800L16 9.500",
	info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5.500M12 8v.2",
	menu: "M4 7h16M4 12h16M4 17h16",
	grip: "M9 6v.1M15 6v.1M9 12v.1M15 12v.1M9 18v.1M15 18v.1",
	up: "M6 14l6-6 6 6",
	down: "M6 10l6 6 6-6",
};

export function Icon({ name }: { name: keyof typeof paths }) {
	return (
		<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
			<path d={paths[name]} />
		</svg>
	);
}
