// SPDX-License-Identifier: Apache-2.0
// Users: the list is searched and paged by the server.
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { Confirm, FormDialog, RemoveConfirm } from "../components/dialog";
import { Select, Text } from "../components/form";
import { Empty, Facts, FaultNote, Loaded, Mark, Page, Panel } from "../components/parts";
import { Pages, SearchTool, Table, usePaging, type Column } from "../components/table";
import { ask, type Answer } from "../core/api";
import { bytes, date } from "../core/format";
import { useMayChange } from "../core/session";
import { useAction, useAnswer } from "../core/use";
import { texts } from "../texts";
import { ImportMail } from "./import";

const t = texts.users;

type User = Answer<"GET /users">["users"][number];
type Login = Answer<"GET /users/{address}">;

/** What is written for a quota: "2 GiB", or nothing for none. */
function quota_read(text: string): string {
	const match = /^\s*(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?\s*$/i.exec(text);
	if (text.trim() === "") return "0";
	if (!match) return text;
	const power = ["", "K", "M", "G", "T"].indexOf(match[2]!.toUpperCase());
	return String(Math.round(Number(match[1]) * 1024 ** power));
}

interface QuotaAndRoleProps {
	quota: string;
	quota_set: (quota: string) => void;
	role: string;
	role_set: (role: string) => void;
}

function QuotaAndRole({ quota, quota_set, role, role_set }: QuotaAndRoleProps) {
	return (
		<div class="pair">
			<Text label={t.quota} name="quota" value={quota} change={quota_set} placeholder="2 GiB" hint={t.quota_hint} />
			<Select label={t.role} name="role" value={role} change={role_set} options={t.roles} hint={t.role_hint} />
		</div>
	);
}

function AddUser({ close, done }: { close: () => void; done: () => void }) {
	const [address, address_set] = useState("");
	const [password, password_set] = useState("");
	const [quota, quota_set] = useState("");
	const [role, role_set] = useState("user");
	const add = useAction(async () => {
		await ask("POST /users", { body: { address, password, ...(quota.trim() ? { quota: quota_read(quota) } : {}), ...(role === "user" ? {} : { role }) } });
		announce(texts.common.added(address));
		done();
	});
	return (
		<FormDialog title={t.add} verb={t.add} action={add} close={close}>
			<Text label={t.address} name="address" type="email" value={address} change={address_set} placeholder="anna@example.org" />
			<Text label={t.password} name="password" type="password" value={password} change={password_set} autocomplete="new-password" />
			<QuotaAndRole quota={quota} quota_set={quota_set} role={role} role_set={role_set} />
		</FormDialog>
	);
}

interface LoginProps {
	user: User;
	factor_end: () => void;
	done: () => void;
}

/** What the login of an administrator or auditor is beside his password. */
function LoginOfUser({ user, factor_end, done }: LoginProps) {
	const login = useAnswer("GET /users/{address}", { path: { address: user.address } });
	const open_end = useAction(async () => {
		await ask("DELETE /users/{address}/sessions", { path: { address: user.address } });
		announce(t.open_ended(user.address));
		done();
	});
	const factor = (answer: Login) => (answer.totp
		? <span class="line">{answer.totp_since ? t.factor_since(date(answer.totp_since)) : t.factor_is_on}<button type="button" class="button tight" onClick={factor_end}>{t.factor_end}</button></span>
		: t.factor_none);
	const open = (answer: Login) => (
		<span class="line">{t.open_count(answer.sessions.length)}{answer.sessions.length > 0 && <button type="button" class="button tight" disabled={open_end.busy} onClick={() => open_end.run()}>{t.open_end}</button>}</span>
	);
	return (
		<>
			<Loaded held={login}>{(answer) => <Facts rows={[[t.factor, factor(answer)], [t.open, open(answer)]]} />}</Loaded>
			<FaultNote fault={open_end.fault} />
		</>
	);
}

/** For whoever has lost the telephone. */
function EndFactor({ user, close, done }: { user: User; close: () => void; done: () => void }) {
	const end = useAction(async () => {
		await ask("DELETE /users/{address}/totp", { path: { address: user.address } });
		announce(t.factor_ended(user.address));
		done();
	});
	return <Confirm title={t.factor_end_of(user.address)} verb={t.factor_end} danger action={end} close={close}><p>{t.factor_end_text}</p></Confirm>;
}

function EditUser({ user, close, done }: { user: User; close: () => void; done: () => void }) {
	const [password, password_set] = useState("");
	const [quota, quota_set] = useState(user.quota_bytes > 0 ? bytes(user.quota_bytes) : "");
	const [role, role_set] = useState(user.role);
	const [asking, asking_set] = useState<"" | "remove" | "factor" | "import">("");
	const save = useAction(async () => {
		const path = { address: user.address };
		const body = {
			...(quota_read(quota) !== String(user.quota_bytes) ? { quota: quota_read(quota) } : {}),
			...(role !== user.role ? { role } : {}),
		};
		if (Object.keys(body).length > 0) await ask("PATCH /users/{address}", { path, body });
		if (password) await ask("POST /users/{address}/password", { path, body: { password } });
		announce(texts.common.saved);
		done();
	});
	const remove = () => ask("DELETE /users/{address}", { path: { address: user.address } });
	if (asking === "factor") return <EndFactor user={user} close={() => asking_set("")} done={done} />;
	if (asking === "remove") return <RemoveConfirm title={t.remove(user.address)} text={t.remove_text} remove={remove} said={texts.common.removed(user.address)} close={() => asking_set("")} done={done} />;
	if (asking === "import") return <ImportMail address={user.address} close={() => asking_set("")} done={done} />;
	const more = (
		<>
			<button type="button" class="button danger" onClick={() => asking_set("remove")}>{texts.common.remove}</button>
			<button type="button" class="button" onClick={() => asking_set("import")}>{t.mail.begin}</button>
		</>
	);
	return (
		<FormDialog title={user.address} verb={texts.common.save} action={save} close={close} more={more}>
			<Text label={t.new_password} name="password" type="password" value={password} change={password_set} autocomplete="new-password" hint={t.new_password_hint} />
			<QuotaAndRole quota={quota} quota_set={quota_set} role={role} role_set={role_set} />
			{user.role !== "user" && <LoginOfUser user={user} factor_end={() => asking_set("factor")} done={done} />}
		</FormDialog>
	);
}

const columns = (may_change: boolean, edit: (user: User) => void): Column<User>[] => [
	{ title: t.address, cell: (user) => (may_change ? <button type="button" class="button cell break" onClick={() => edit(user)}>{user.address}</button> : <span class="break">{user.address}</span>) },
	{ title: t.role, cell: (user) => (
		<span class="marks">
			{user.role !== "user" && <Mark tone="accent">{t.role_names[user.role as keyof typeof t.role_names] ?? user.role}</Mark>}
			{user.totp && <Mark tone="good">{t.factor}</Mark>}
		</span>
	) },
	{ title: t.used, kind: "right num nowrap", cell: (user) => bytes(user.used_bytes) },
	{ title: t.quota, kind: "right num nowrap", cell: (user) => (user.quota_bytes > 0 ? bytes(user.quota_bytes) : <span class="soft">{texts.common.none}</span>) },
	{ title: t.login, cell: (user) => <span class="soft">{user.login}</span> },
	{ title: t.created, kind: "num nowrap", cell: (user) => date(user.created) },
];

export function Users() {
	const paging = usePaging();
	const users = useAnswer("GET /users", { query: paging.query });
	const may_change = useMayChange();
	const [open, open_set] = useState<User | "add" | null>(null);
	const done = () => {
		open_set(null);
		users.reload();
	};
	const add = may_change && <button type="button" class="button main" onClick={() => open_set("add")}>{t.add}</button>;
	return (
		<Page title={t.title} lead={t.lead} actions={add}>
			<Panel bare footer={<Pages paging={paging} shown={users.answer?.users.length ?? 0} total={users.answer?.total} next={users.answer?.next} />}>
				<SearchTool paging={paging} label={t.search} />
				<Loaded held={users}>
					{(answer) => <Table caption={t.title} columns={columns(may_change, open_set)} rows={answer.users} row_key={(user) => user.address} empty={<Empty title={paging.search ? t.none_found : t.none}><p>{t.none_text}</p></Empty>} />}
				</Loaded>
			</Panel>
			{open === "add" && <AddUser close={() => open_set(null)} done={done} />}
			{open !== null && open !== "add" && <EditUser user={open} close={() => open_set(null)} done={done} />}
		</Page>
	);
}
