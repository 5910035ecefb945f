// SPDX-License-Identifier: Apache-2.0
// What stands around each page: the navigation, who is logged in, and the change that waits to be kept.
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./components/icon";
import { Keep } from "./components/keep";
import { Empty, Page } from "./components/parts";
import { link_to, usePlace } from "./core/router";
import { useKnown } from "./core/session";
import { theme_choose, theme_chosen, type Theme } from "./core/theme";
import { own_account, page_at, sections } from "./pages";
import { texts } from "./texts";

function Navigation({ path }: { path: string }) {
	return (
		<nav class="nav" aria-label={texts.shell.navigation}>
			{sections.map((section) => (
				<div key={section.title}>
					<h2>{section.title}</h2>
					<ul>
						{section.pages.map((page) => (
							<li key={page.path}>
								<a class="eases" href={link_to(page.path)} aria-current={page.path === path ? "page" : undefined}>{page.title}</a>
							</li>
						))}
					</ul>
				</div>
			))}
		</nav>
	);
}

function ThemeSwitch() {
	const [theme, theme_set] = useState(theme_chosen);
	const changed = (event: Event) => {
		const chosen = (event.currentTarget as HTMLSelectElement).value as Theme;
		theme_choose(chosen);
		theme_set(chosen);
	};
	return (
		<select aria-label={texts.shell.theme} value={theme} onChange={changed}>
			{(["system", "light", "dark"] as const).map((name) => <option key={name} value={name}>{texts.shell.themes[name]}</option>)}
		</select>
	);
}

function Who({ path }: { path: string }) {
	const { session, logout } = useKnown();
	return (
		<div class="who">
			<div>
				<a class="break" href={link_to(own_account.path)} aria-current={path === own_account.path ? "page" : undefined}>
					{session.account}<span class="unseen">: {own_account.title}</span>
				</a>
				<div class="soft small">{texts.shell.roles[session.role as keyof typeof texts.shell.roles] ?? session.role}</div>
			</div>
			<ThemeSwitch />
			<button type="button" class="button" onClick={logout}>{texts.shell.logout}</button>
		</div>
	);
}

function NotFound() {
	return <Page title={texts.shell.not_found}><Empty title={texts.shell.not_found}><p>{texts.shell.not_found_text}</p></Empty></Page>;
}

export function Shell() {
	const place = usePlace();
	const page = page_at(place.path);
	const [open, open_set] = useState(false);
	const menu = useRef<HTMLButtonElement>(null);
	const main = useRef<HTMLElement>(null);
	useEffect(() => open_set(false), [place.path]);

	const close = () => {
		open_set(false);
		menu.current?.focus();
	};
	const Shown = page?.show ?? NotFound;
	return (
		<div class="shell" onKeyDown={(event) => open && event.key === "Escape" && close()}>
			<button type="button" class="button main skip" onClick={() => main.current?.focus()}>{texts.shell.skip}</button>
			<div class="topbar">
				<button type="button" ref={menu} class="button plain" aria-expanded={open} aria-label={texts.shell.menu} onClick={() => open_set(!open)}><Icon name="menu" /></button>
				<span>{page?.title ?? "Postern"}</span>
			</div>
			{open && <button type="button" class="veil" tabIndex={-1} aria-label={texts.shell.close_menu} onClick={close} />}
			<header class={`side ${open ? "open" : ""}`}>
				<div class="brand"><Icon name="gate" />Postern</div>
				<Navigation path={page?.path ?? ""} />
				<Who path={page?.path ?? ""} />
			</header>
			<main class="main" ref={main} tabIndex={-1}>
				<Keep />
				<Shown key={place.path} />
			</main>
		</div>
	);
}
