// What a reader of the report must not meet: text that is cut or lies on other text, colours that
// cannot be read, a page wider than the window, requests, errors. tests/cli/report.sh puts this into
// copies of the page; each sends what it found to the page that frames it.
"use strict";
const errors = [];
addEventListener("error", (e) => errors.push("error: " + e.message));
addEventListener("securitypolicyviolation", (e) => errors.push("blocked: " + e.violatedDirective + " " + e.blockedURI));

const overlap = (a, b, slack) =>
	Math.min(a.right, b.right) - Math.max(a.left, b.left) > slack &&
	Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > slack;
const inside = (a, b) =>
	a.left >= b.left - 0.5 && a.right <= b.right + 0.5 && a.top >= b.top - 0.5 && a.bottom <= b.bottom + 0.5;
const name = (e) => e.tagName + " '" + e.textContent.trim().slice(0, 40) + "'";

function luminance(colour) {
	const part = colour.match(/[\d.]+/g).map(Number).map((v) => v / 255);
	const [r, g, b] = part.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(a, b) {
	const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
	return (x + 0.05) / (y + 0.05);
}

function picture(svg, found) {
	const frame = svg.getBoundingClientRect(), texts = [...svg.querySelectorAll("text")];
	const boxes = texts.map((t) => t.getBoundingClientRect());
	const ground = getComputedStyle(svg.querySelector(".ground")).fill;
	const solid = [...svg.querySelectorAll(".mark,rect[class^=fill-]")].map((e) => e.getBoundingClientRect());
	const id = svg.getAttribute("aria-labelledby");

	for (const part of id.split(" "))
		if (!document.getElementById(part) || !document.getElementById(part).textContent)
			found.push("no " + part);
	if (getComputedStyle(svg.querySelector(".ground")).fill === "none") found.push(id + ": no ground");
	texts.forEach((t, i) => {
		if (!inside(boxes[i], frame)) found.push(id + ": cut " + name(t));
		if (boxes[i].width < 1) found.push(id + ": empty text");
		const size = parseFloat(getComputedStyle(t).fontSize) * frame.width / svg.viewBox.baseVal.width;
		if (size < 8) found.push(id + ": " + size.toFixed(1) + " px is too small: " + name(t));
		
		if (contrast(getComputedStyle(t).fill, ground) < 4.5) found.push(id + ": faint " + name(t));
		for (let k = 0; k < i; k++)
			if (overlap(boxes[i], boxes[k], 1)) found.push(id + ": " + name(t) + " on " + name(texts[k]));
		for (const box of solid)
			if (overlap(boxes[i], box, 1)) found.push(id + ": " + name(t) + " on a mark");
	});
	// Numbers of the matrix stand on its colours.
	for (const cell of svg.querySelectorAll(".heat")) {
		const share = Number(cell.getAttribute("fill-opacity") || 1), mix = (a, b) => a.match(/[\d.]+/g)
			.map((v, i) => share * v + (1 - share) * b.match(/[\d.]+/g)[i]).join(",");
		if (contrast(mix(getComputedStyle(cell).fill, ground), getComputedStyle(texts[0]).fill) < 4.5)
			found.push(id + ": faint on a cell of " + share);
	}
	for (const line of svg.querySelectorAll("path.line")) {
		const length = line.getTotalLength(), matrix = line.getScreenCTM();
		for (let i = 0; i <= 300; i++) {
			const p = line.getPointAtLength(length * i / 300).matrixTransform(matrix);
			const hit = texts.find((t, k) => p.x > boxes[k].left + 1 && p.x < boxes[k].right - 1 &&
				p.y > boxes[k].top + 1 && p.y < boxes[k].bottom - 1);
			if (hit) {
				found.push(id + ": a line through " + name(hit));
				break;
			}
		}
	}
}

function page(found) {
	const root = document.documentElement;
	if (root.scrollWidth > innerWidth) found.push("the page is " + root.scrollWidth + " px wide in " + innerWidth);
	for (const e of document.querySelectorAll("body *:not(svg *)")) {
		if (e.classList.contains("scroll")) {
			if (e.tabIndex !== 0 || !e.getAttribute("aria-label")) found.push("not for the keyboard: " + name(e));
			continue;
		}
		if (e.clientWidth && e.scrollWidth > e.clientWidth + 1) found.push("cut: " + name(e));
		if (e.clientHeight && e.scrollHeight > e.clientHeight + 1) found.push("cut below: " + name(e));
		if (["P", "TD", "TH", "DT", "DD", "H1", "H2", "H3", "FIGCAPTION", "CAPTION"].includes(e.tagName)) {
			let back = e;
			while (getComputedStyle(back).backgroundColor === "rgba(0, 0, 0, 0)") back = back.parentElement;
			if (contrast(getComputedStyle(e).color, getComputedStyle(back).backgroundColor) < 4.5)
				found.push("faint: " + name(e));
		}
	}
	const boxes = [...document.querySelectorAll("h1,h2,header p,.tile,.card,footer")];
	boxes.forEach((a, i) => boxes.slice(0, i).forEach((b) => {
		if (overlap(a.getBoundingClientRect(), b.getBoundingClientRect(), 0.5)) found.push(name(a) + " on " + name(b));
	}));
	for (const e of document.querySelectorAll(".card")) {
		const parts = [...e.children];
		parts.forEach((a, i) => parts.slice(0, i).forEach((b) => {
			if (overlap(a.getBoundingClientRect(), b.getBoundingClientRect(), 0.5)) found.push(name(a) + " on " + name(b));
		}));
	}
}

addEventListener("load", () => {
	const found = [...errors], dark = matchMedia("(prefers-color-scheme: dark)").matches;
	page(found);
	document.querySelectorAll("svg").forEach((svg) => picture(svg, found));
	for (const entry of performance.getEntriesByType("resource")) found.push("asks for " + entry.name);
	const back = luminance(getComputedStyle(document.body).backgroundColor);
	if (dark ? back > 0.1 : back < 0.8) found.push("the ground is not " + (dark ? "dark" : "light"));
	parent.postMessage({frame: location.href.split("/").pop(), width: innerWidth, dark, pictures: document.querySelectorAll("svg").length, found}, "*");
});
