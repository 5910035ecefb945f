// SPDX-License-Identifier: Apache-2.0
import { render } from "preact";
import { App } from "./app";
import { theme_choose, theme_chosen } from "./core/theme";
import "./style/tokens.css";
import "./style/base.css";
import "./style/shell.css";
import "./style/parts.css";

theme_choose(theme_chosen());
render(<App />, document.getElementById("app")!);
