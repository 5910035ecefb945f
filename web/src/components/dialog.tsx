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
	action: Action<[]>;
	close: () => void;
	children: ComponentChildren;
}

/** Asks before something is done that cannot be undone. */
export function Confirm({ title, verb, danger, action, close, children }: ConfirmProps) {
	const done = async () => {
		if (await action.run()) close();
	};
	const footer = (
		<>
			<button type="button" class="button" onClick={close}>{texts.common.cancel}</button>
			<button type="button" class={`button ${danger ? "danger" : "main"}`} disabled={action.busy} onClick={done}>{verb}</button>
		</>
	);
	return (
		<Dialog title={title} close={close} footer={footer}>
			{children}
			<FaultNote fault={action.fault} />
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
	/** Buttons before the two that each form has. */
	more?: ComponentChildren;
	children: ComponentChildren;
}

/** A form in a dialog; what the server refuses stands in it, beside the field. */
export function FormDialog({ title, verb, action, close, lead, large, idle, more, children }: FormDialogProps) {
	const end = (
		<>
			{more}
			<button type="button" class="button" onClick={close}>{texts.common.cancel}</button>
			<button type="submit" class="button main" disabled={action.busy || idle}>{verb}</button>
		</>
	);
	return (
		<Dialog title={title} close={close} large={large}>
			{lead && <p class="soft">{lead}</p>}
			<Form fault={action.fault} submit={() => action.run()} end={end}>{children}</Form>
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
}

/** Asks before something is removed, and removes it. */
export function RemoveConfirm({ title, text, remove, said, close, done }: RemoveConfirmProps) {
	const action = useAction(async () => {
		await remove();
		announce(said);
		done();
	});
	return <Confirm title={title} verb={texts.common.remove} danger action={action} close={close}><p>{text}</p></Confirm>;
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
