// Without this script the page shows all pictures side by side; with it, one at a time under a
// slider, and close-ups of any region.
(function () {
  "use strict";

  // ---- making elements -----------------------------------------------------------------------

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function radio(group, value, checked, ...shown) {
    const input = make("input", { type: "radio", name: group, value: value });
    input.checked = checked;
    return { input: input, label: make("label", {}, input, ...shown) };
  }

  function panelOf(photo, key) {
    const figure = photo.querySelector('.panels:not(.closeups) figure[data-key="' + key + '"]');
    return {
      image: figure.querySelector("img"),
      name: figure.querySelector("strong").textContent,
      figures: figure.querySelector("span").textContent,
    };
  }

  // ---- one photograph at a time --------------------------------------------------------------

  function addChooser(photos) {
    const chooser = make("fieldset", { class: "chooser" }, make("legend", {}, "Photograph"));
    photos.forEach(function (photo, index) {
      const thumbnail = photo.querySelector(".slot-slider").dataset.thumbnail;
      const name = photo.dataset.title + (photo.dataset.side > 256 ? " to " + photo.dataset.side + "²" : "");
      const choice = radio(
        "photograph", photo.id, index === 0,
        make("img", { src: thumbnail, alt: "", width: 96, height: 96 }), make("span", {}, name)
      );
      choice.input.addEventListener("change", function () { showOnly(photos, photo); });
      chooser.append(choice.label);
    });
    document.getElementById("chooser").append(chooser);
    showOnly(photos, photos[0]);
  }

  function showOnly(photos, shown) {
    for (const photo of photos) photo.hidden = photo !== shown;
  }

  // ---- the slider ----------------------------------------------------------------------------

  function addSlider(photo) {
    const slot = photo.querySelector(".slot-slider");
    const range = make("input", { type: "range", min: 0, max: 100, step: 1, value: 50 });
    const left = make("img", { class: "left", alt: "" });
    const right = make("img", { class: "right", alt: "" });
    const leftTag = make("span", { class: "tag left" });
    const rightTag = make("span", { class: "tag right" });
    const slider = make(
      "div", { class: "slider" }, right, left, leftTag, rightTag, range,
      make("span", { class: "divider", "aria-hidden": "true" })
    );
    const choices = slot.dataset.choices.split(" ");
    const sides = slot.dataset.pair.split(" ").map(function (key, index) {
      return side(["Left", "Right"][index], key, choices);
    });
    const hint = make("p", { class: "note hint" }, "Drag the divider, or move it with the arrow keys.");
    let names = ["", ""];

    // What lies at one side of the divider: a choice of pictures, and the figures of the chosen one.
    function side(where, key, keys) {
      const choice = make("select", {});
      for (const each of keys) choice.append(make("option", { value: each }, panelOf(photo, each).name));
      choice.value = key;
      choice.addEventListener("change", compare);
      const figures = make("span", {});
      return {
        choice: choice,
        figures: figures,
        reading: make("p", { class: "reading" }, make("label", {}, make("span", {}, where), choice), figures),
      };
    }

    function move() {
      slider.style.setProperty("--at", range.value + "%");
      range.setAttribute(
        "aria-valuetext", range.value + " % " + names[0] + ", " + (100 - range.value) + " % " + names[1]
      );
      leftTag.hidden = range.value < 15;
      rightTag.hidden = range.value > 85;
    }

    function compare() {
      const shown = sides.map(function (each) { return panelOf(photo, each.choice.value); });
      names = shown.map(function (each) { return each.name; });
      left.src = shown[0].image.src;
      right.src = shown[1].image.src;
      left.alt = shown[0].image.alt + ", left of the divider";
      right.alt = shown[1].image.alt + ", right of the divider";
      leftTag.textContent = names[0];
      rightTag.textContent = names[1];
      sides.forEach(function (each, index) { each.figures.textContent = shown[index].figures; });
      range.setAttribute("aria-label", "Divider: " + names[0] + " at its left, " + names[1] + " at its right");
      move();
    }

    function follow(event) {
      const frame = slider.getBoundingClientRect();
      const part = (event.clientX - frame.left) / frame.width;
      range.value = Math.round(100 * Math.min(Math.max(part, 0), 1));
      move();
    }

    range.addEventListener("input", move);
    slider.addEventListener("pointerdown", function (event) {
      if (event.button !== 0) return;
      slider.setPointerCapture(event.pointerId);
      follow(event);
      range.focus({ preventScroll: true });
      event.preventDefault();
    });
    slider.addEventListener("pointermove", function (event) {
      if (slider.hasPointerCapture(event.pointerId)) follow(event);
    });

    compare();
    slot.append(slider, make("div", { class: "aside" }, sides[0].reading, sides[1].reading, hint));
  }

  // ---- close-ups of a region that the reader picks -------------------------------------------

  function addRegion(photo) {
    const side = Number(photo.dataset.side);
    const scale = 8;
    const extent = Number(photo.dataset.extent);
    const last = side - extent;
    const corner = { row: Number(photo.dataset.top), column: Number(photo.dataset.left) };
    const marks = [];
    const canvases = [];

    photo.querySelectorAll(".closeups figure").forEach(function (figure) {
      const kept = figure.querySelector("img");
      const canvas = make("canvas", { role: "img", "aria-label": kept.alt });
      canvas.hidden = true;
      kept.after(canvas);
      canvases.push({ canvas: canvas, kept: kept, from: panelOf(photo, figure.dataset.key) });
    });
    photo.querySelectorAll(".panels:not(.closeups) figure").forEach(function (figure) {
      const image = figure.querySelector("img");
      const mark = make("i", { "aria-hidden": "true" });
      const frame = make("div", { class: "marked" });
      image.replaceWith(frame);
      frame.append(image, mark);
      marks.push(mark);
      frame.addEventListener("click", function (event) {
        const box = frame.getBoundingClientRect();
        corner.column = snapped(((event.clientX - box.left) / box.width) * side - extent / 2);
        corner.row = snapped(((event.clientY - box.top) / box.height) * side - extent / 2);
        draw();
      });
    });

    function snapped(value) {
      return scale * Math.round(Math.min(Math.max(value, 0), last) / scale);
    }

    function control(name, key) {
      const input = make("input", { type: "range", min: 0, max: last, step: scale });
      const output = make("output", {});
      input.addEventListener("input", function () { corner[key] = Number(input.value); draw(); });
      return {
        label: make("label", {}, name + " ", output, input),
        show: function () {
          input.value = corner[key];
          output.textContent = corner[key] + " to " + (corner[key] + extent);
        },
      };
    }

    const controls = [control("Columns", "column"), control("Rows", "row")];

    function place() {
      for (const mark of marks) {
        mark.style.left = (100 * corner.column) / side + "%";
        mark.style.top = (100 * corner.row) / side + "%";
        mark.style.width = mark.style.height = (100 * extent) / side + "%";
      }
      for (const each of controls) each.show();
    }

    function draw() {
      for (const each of canvases) {
        const share = each.from.image.naturalWidth / side;
        const size = Math.round(extent * share);
        each.canvas.width = each.canvas.height = size;
        each.canvas.getContext("2d").drawImage(
          each.from.image, Math.round(corner.column * share), Math.round(corner.row * share),
          size, size, 0, 0, size, size
        );
        each.canvas.hidden = false;
        each.kept.hidden = true;
        each.canvas.setAttribute(
          "aria-label", photo.dataset.title + " to " + side + "², close-up of rows " + corner.row + " to " +
          (corner.row + extent) + ", columns " + corner.column + " to " + (corner.column + extent) +
          ": " + each.from.name
        );
      }
      place();
    }

    photo.querySelector(".slot-region").append(make(
      "div", { class: "region" },
      make("p", { class: "note" }, "Pick another region: click or tap one of the pictures above, or move these."),
      controls[0].label, controls[1].label
    ));
    place();
  }

  const photos = Array.from(document.querySelectorAll(".photo"));
  for (const photo of photos) {
    addSlider(photo);
    addRegion(photo);
  }
  if (photos.length > 1) addChooser(photos);
})();
