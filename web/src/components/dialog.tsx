// SPDX-License-Identifier: Apache-2.0
// A dialog on the browser's own <dialog>: it holds the focus, Escape closes it, and the focus goes
// back to what opened it.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Action } from "../core/use";
import { texts } from "../texts";
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
