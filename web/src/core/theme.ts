// SPDX-License-Identifier: Apache-2.0
// Light or dark: as the system has it, unless chosen here; the choice stays in this browser.
export type Theme = "system" | "light" | "dark";

const key = "postern-theme";

export function theme_chosen(): Theme {
	const kept = localStorage.getItem(key);
	return kept === "light" || kept === "dark" ? kept : "system";
}

export function theme_choose(theme: Theme) {
	if (theme === "system") {
		localStorage.removeItem(key);
		delete document.documentElement.dataset.theme;
		return;
	}
	localStorage.setItem(key, theme);
	document.documentElement.dataset.theme = theme;
}
