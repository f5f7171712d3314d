// Sends files so that they go on where they stopped (tus 1.0, tus-js-client). Without this script the plain form works.
// Every refusal comes from the server in words; here is only how far each file has come, and trying again.

const form = document.getElementById("upload");
const input = document.getElementById("files");
const list = document.getElementById("upload-list");
const problem = document.getElementById("upload-problem");
const send = document.getElementById("upload-send");
const pause = document.getElementById("upload-pause");
const announcer = document.getElementById("announcer");

// Small enough that a broken request loses little, large enough that a good line is not kept waiting.
const CHUNK = 8 * 1024 * 1024;
const DELAYS = [0, 1000, 3000, 5000, 10000, 20000, 30000];
const FIELDS = ["when", "where", "clock", "clock_words", "who", "contact"];

// Files of one sitting share a receipt. Who comes back with the same file goes on with the same sitting.
const KEPT = `footage-sitting:${location.pathname}`;

let items = [];
let paused = false;
let paths = null;

function size(bytes) {
  const unit = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]].find(([limit]) => bytes >= limit);
  return unit ? `${(bytes / unit[0]).toFixed(1).replace(/\.0$/, "")} ${unit[1]}` : `${bytes} bytes`;
}

function say(words) {
  problem.textContent = words;
  problem.hidden = !words;
}

// What the server said, if it said something; else what a person can do.
function wordsOf(error) {
  const response = error && error.originalResponse;
  const body = response ? response.getBody() : "";
  if (body && body.length < 300) return body;
  return "The connection broke. What has arrived is safe: try again when you are online.";
}

class Item {
  constructor(file) {
    this.file = file;
    this.done = false;
    this.failed = false;
    this.element = document.createElement("li");
    this.element.className = "upload-item";
    const row = document.createElement("div");
    row.className = "upload-item__row";
    const name = document.createElement("bdi");
    name.className = "upload-item__name";
    name.textContent = file.name;
    this.state = document.createElement("span");
    this.state.textContent = `${size(file.size)}, waiting`;
    row.append(name, this.state);
    this.bar = document.createElement("progress");
    this.bar.className = "app-progress";
    this.bar.max = file.size || 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", `Progress of ${file.name}`);
    this.again = document.createElement("button");
    this.again.type = "button";
    this.again.className = "govuk-button govuk-button--secondary upload-item__act";
    this.again.textContent = "Try again";
    this.again.hidden = true;
    this.again.addEventListener("click", () => { this.again.hidden = true; this.failed = false; say(""); this.start(); });
    this.element.append(row, this.bar, this.again);
    list.append(this.element);
    this.upload = this.make();
  }

  make() {
    const metadata = { filename: this.file.name };
    FIELDS.forEach((name) => {
      const value = new FormData(form).get(name);
      if (value) metadata[name] = value;
    });
    return new window.tus.Upload(this.file, {
      chunkSize: CHUNK,
      retryDelays: DELAYS,
      metadata,
      removeFingerprintOnSuccess: true,
      // The same file goes on only for the same appeal and the same way in.
      fingerprint: async (file) => ["footage", location.pathname, file.name, file.type, file.size, file.lastModified].join("-"),
      onShouldRetry: (error) => {
        const status = error.originalResponse ? error.originalResponse.getStatus() : 0;
        if (status) this.state.textContent = wordsOf(error);
        else this.state.textContent = "The connection broke. Trying again…";
        return status === 0 || status === 409 || status === 423 || status === 429 || status >= 500;
      },
      onProgress: (sent, all) => {
        this.bar.value = sent;
        this.state.textContent = `${size(sent)} of ${size(all)}, ${Math.floor((sent * 100) / all)}%`;
      },
      onError: (error) => {
        this.failed = true;
        this.state.textContent = wordsOf(error);
        this.again.hidden = false;
        say(`${this.file.name}: ${wordsOf(error)}`);
        next();
      },
      onSuccess: () => {
        this.done = true;
        this.bar.value = this.bar.max;
        this.state.textContent = "Arrived";
        announcer.textContent = `${this.file.name} arrived.`;
        next();
      },
    });
  }

  async look() {
    this.before = await this.upload.findPreviousUploads();
    return this.before.length > 0;
  }

  start() {
    this.running = true;
    this.state.textContent = "Starting…";
    this.upload.options.endpoint = paths.create;
    if (this.before.length) this.upload.resumeFromPreviousUpload(this.before[0]);
    this.before = [];
    if (!paused) this.upload.start();
  }

  hold() {
    if (this.running && !this.done && !this.failed) {
      this.upload.abort();
      this.state.textContent = "Paused";
    }
  }

  goOn() {
    if (this.running && !this.done && !this.failed) this.upload.start();
  }
}

// One file after the other: a phone's line is quicker that way, and a cut loses less.
function next() {
  if (paused) return;
  if (items.some((item) => item.running && !item.done && !item.failed)) return;
  const waiting = items.find((item) => !item.running);
  if (waiting) {
    waiting.start();
    return;
  }
  window.removeEventListener("beforeunload", warn);
  pause.hidden = true;
  if (items.length && items.every((item) => item.done)) {
    kept(null);
    location.assign(paths.sent);
  }
}

// A browser that keeps nothing (private windows) only forgets where a file stopped.
function kept(value) {
  try {
    if (value) localStorage.setItem(KEPT, JSON.stringify(value));
    else if (value === null) localStorage.removeItem(KEPT);
    return JSON.parse(localStorage.getItem(KEPT));
  } catch {
    return null;
  }
}

function warn(event) {
  event.preventDefault();
}

function check(files) {
  if (!files.length) return "Choose at least one file";
  const empty = files.find((file) => !file.size);
  if (empty) return `${empty.name} is empty. Choose the recording itself.`;
  const large = files.find((file) => file.size > Number(form.dataset.most));
  if (large) return `${large.name} is larger than ${form.dataset.mostWords}. Call 101.`;
  return "";
}

async function begin(event) {
  event.preventDefault();
  const files = [...input.files];
  const wrong = check(files);
  say(wrong);
  if (wrong) {
    input.focus();
    return;
  }
  send.hidden = true;
  pause.hidden = false;
  window.addEventListener("beforeunload", warn);
  items = files.map((file) => new Item(file));
  const known = await Promise.all(items.map((item) => item.look()));
  const earlier = known.includes(true) ? kept() : null;
  paths = earlier || { create: form.dataset.create, sent: form.dataset.sent };
  kept(paths);
  next();
}

if (form && window.tus && window.tus.isSupported) {
  document.querySelectorAll(".upload-plain").forEach((element) => { element.hidden = true; });
  document.querySelectorAll(".upload-tus").forEach((element) => { element.hidden = false; });
  form.addEventListener("submit", begin);
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    items.forEach((item) => (paused ? item.hold() : item.goOn()));
    if (!paused) next();
  });
}
