// Starts the NHS design system's own behaviour (skip link, menu). Every page works without it.
import { initAll } from "./nhsuk.js";

document.body.classList.add("js-enabled", "nhsuk-frontend-supported");
initAll();
