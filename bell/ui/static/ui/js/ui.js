// Starts the components of every page; the one module that every page loads.
import { initAll } from "../../govuk/govuk-frontend.min.js";
import { startLive } from "./live.js";
import { startShown } from "./shown.js";

initAll();
startShown(document);
startLive();
