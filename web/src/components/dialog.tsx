// SPDX-License-Identifier: Apache-2.0
// A dialog on the browser's own <dialog>: it holds the focus, Escape closes it, and the focus goes
// back to what opened it.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useAction, type Action } from "../core/use";
import { texts } from "../texts";
import { announce } from "./announce";
import { Form } from "./form";
import { FaultNote } from "./parts";
import { is_conflict, Outdated, type Standing } from "./together";

interface DialogProps {
	title: string;
	close: () => void;
	large?: boolean;
	footer?: ComponentChildren;
	children: ComponentChildren;
}

export function Dialog({ title, close, large, footer, children }: DialogProps) {
	const dialog = useRef<HTMLDialogElement>(null);
	const id = useId();
	useEffect(() => {
		const opener = document.activeElement as HTMLElement | null;
		dialog.current?.showModal();
		return () => {
			dialog.current?.close();
			if (opener?.isConnected) opener.focus();
		};
	}, []);
	const cancelled = (event: Event) => {
		event.preventDefault();
		close();
	};
	return (
		<dialog ref={dialog} class={large ? "large" : ""} aria-labelledby={id} onCancel={cancelled}>
			<div class="sheet">
				<header><h2 id={id}>{title}</h2></header>
				<div class="body">{children}</div>
				{footer && <footer>{footer}</footer>}
			</div>
		</dialog>
	);
}

interface ConfirmProps {
	title: string;
	verb: string;
	danger?: boolean;
	large?: boolean;
	/** There is nothing yet that could be confirmed. */
	idle?: boolean;
	action: Action<[]>;
	close: () => void;
	/** The configuration that the change is one of. */
	standing?: Standing;
	children: ComponentChildren;
}

/** Whether somebody else was quicker: what is asked for then cannot be done. */
const is_late = (standing: Standing | undefined, action: Action<[]>) => standing !== undefined && (standing.is_outdated || is_conflict(action.fault));

/** Asks before something is done that cannot be undone. */
export function Confirm({ title, verb, danger, large, idle, action, close, standing, children }: ConfirmProps) {
	const done = async () => {
		if (await action.run()) close();
	};
	const footer = (
		<>
			<button type="button" class="button" onClick={close}>{texts.common.cancel}</button>
			<button type="button" class={`button ${danger ? "danger" : "main"}`} disabled={action.busy || idle || is_late(standing, action)} onClick={done}>{verb}</button>
		</>
	);
	return (
		<Dialog title={title} close={close} large={large} footer={footer}>
			{standing && <Outdated standing={standing} fault={action.fault} drop={action.clear} />}
			{children}
			{!(standing && is_conflict(action.fault)) && <FaultNote fault={action.fault} />}
		</Dialog>
	);
}

interface FormDialogProps {
	title: string;
	/** What the button that sends the form says. */
	verb: string;
	action: Action<[]>;
	close: () => void;
	lead?: string;
	large?: boolean;
	/** Nothing is filled in yet that could be sent. */
	idle?: boolean;
	standing?: Standing;
	/** Buttons before the two that each form has. */
	more?: ComponentChildren;
	children: ComponentChildren;
}

/** A form in a dialog; what the server refuses stands in it, beside the field. */
export function FormDialog({ title, verb, action, close, lead, large, idle, standing, more, children }: FormDialogProps) {
	const end = (
		<>
			{more}
			<button type="button" class="button" onClick={close}>{texts.common.cancel}</button>
			<button type="submit" class="button main" disabled={action.busy || idle || is_late(standing, action)}>{verb}</button>
		</>
	);
	return (
		<Dialog title={title} close={close} large={large}>
			{lead && <p class="soft">{lead}</p>}
			{standing && <Outdated standing={standing} fault={action.fault} drop={close} />}
			<Form fault={standing && is_conflict(action.fault) ? null : action.fault} submit={() => action.run()} end={end}>{children}</Form>
		</Dialog>
	);
}

interface RemoveConfirmProps {
	title: string;
	/** What the removal means. */
	text: string;
	remove: () => Promise<unknown>;
	/** What is said when it is done. */
	said: string;
	close: () => void;
	done: () => void;
	standing?: Standing;
}

/** Asks before something is removed, and removes it. */
export function RemoveConfirm({ title, text, remove, said, close, done, standing }: RemoveConfirmProps) {
	const action = useAction(async () => {
		await remove();
		announce(said);
		done();
	});
	return <Confirm title={title} verb={texts.common.remove} danger action={action} close={close} standing={standing}><p>{text}</p></Confirm>;
}

/** A dialog that shows something; `more` are buttons beside the one that closes it. */
export function ShowDialog({ title, close, more, children }: { title: string; close: () => void; more?: ComponentChildren; children: ComponentChildren }) {
	const footer = (
		<>
			{more}
			<button type="button" class="button" onClick={close}>{texts.common.close}</button>
		</>
	);
	return <Dialog title={title} close={close} large footer={footer}>{children}</Dialog>;
}
