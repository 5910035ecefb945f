// SPDX-License-Identifier: Apache-2.0
// The pages and where they stand in the navigation.
import type { ComponentType } from "preact";
import { texts } from "../texts";
import { Acme } from "./acme";
import { OwnAccount } from "./account";
import { Aliases } from "./aliases";
import { Certificates } from "./certificates";
import { Connections } from "./connections";
import { Dashboard } from "./dashboard";
import { Dkim } from "./dkim";
import { Domains } from "./domains";
import { Logs } from "./logs";
import { Partners } from "./partners";
import { Pop3Accounts } from "./pop3";
import { Queue } from "./queue";
import { RelayRules } from "./relay";
import { Services } from "./services";
import { Settings } from "./settings";
import { Setup } from "./setup";
import { TlsOptions } from "./tls";
import { Users } from "./users";

export interface PageRow {
	path: string;
	title: string;
	show: ComponentType;
}

const names = texts.pages;

export const sections: readonly { title: string; pages: readonly PageRow[] }[] = [
	{ title: texts.shell.sections.overview, pages: [
		{ path: "/", title: names.dashboard, show: Dashboard },
	] },
	{ title: texts.shell.sections.security, pages: [
		{ path: "/security/tls", title: names.tls, show: TlsOptions },
		{ path: "/security/certificates", title: names.certificates, show: Certificates },
		{ path: "/security/acme", title: names.acme, show: Acme },
		{ path: "/security/partners", title: names.partners, show: Partners },
		{ path: "/security/dkim", title: names.dkim, show: Dkim },
	] },
	{ title: texts.shell.sections.accounts, pages: [
		{ path: "/domains", title: names.domains, show: Domains },
		{ path: "/users", title: names.users, show: Users },
		{ path: "/aliases", title: names.aliases, show: Aliases },
	] },
	{ title: texts.shell.sections.mail, pages: [
		{ path: "/queue", title: names.queue, show: Queue },
		{ path: "/relay", title: names.relay, show: RelayRules },
		{ path: "/pop3", title: names.pop3, show: Pop3Accounts },
	] },
	{ title: texts.shell.sections.server, pages: [
		{ path: "/services", title: names.services, show: Services },
		{ path: "/connections", title: names.connections, show: Connections },
		{ path: "/logs", title: names.logs, show: Logs },
		{ path: "/settings", title: names.settings, show: Settings },
		{ path: "/setup", title: names.setup, show: Setup },
	] },
];

/** Where the address of who is logged in leads; in no section, for it is about nothing of the server. */
export const own_account: PageRow = { path: "/account", title: names.account, show: OwnAccount };

const pages = [...sections.flatMap((section) => section.pages), own_account];

export function page_at(path: string): PageRow | undefined {
	return pages.find((page) => page.path === path);
}
