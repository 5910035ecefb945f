// SPDX-License-Identifier: Apache-2.0
// The pages and where they stand in the navigation.
import type { ComponentType } from "preact";
import { texts } from "../texts";
import { TlsOptions } from "./tls";

export interface PageRow {
	path: string;
	title: string;
	show: ComponentType;
}

const names = texts.pages;

export const sections: readonly { title: string; pages: readonly PageRow[] }[] = [
	{ title: texts.shell.sections.security, pages: [
		{ path: "/security/tls", title: names.tls, show: TlsOptions },
	] },
];

const pages = sections.flatMap((section) => section.pages);

export function page_at(path: string): PageRow | undefined {
	return pages.find((page) => page.path === (path === "/" ? "/security/tls" : path));
}
