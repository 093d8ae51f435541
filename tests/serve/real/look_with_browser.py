"""Opens the page of the real `maas serve` in headless Chromium and uses it as people do, by keyboard alone. Screenshots are
left in the run folder. usage: look_with_browser.py PROGRAM FIXTURES VENV REQUIREMENTS"""

import json
import math
import os
import re
import shutil
import subprocess
import sys
import threading
import time

import with_venv

program, fixtures, venv, requirements = sys.argv[1:5]
chromium, driver = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")
if not chromium or not driver:
    with_venv.skip("chromium or chromedriver is not there")
with_venv.enter(venv, requirements)

from real_server import TOKEN, Server, close, recipe_of_waves, wait_until
from selenium import webdriver
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By


def start_browser():
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,1500",
                     "--disable-background-networking",
                     # No network but this machine's.
                     "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))
    browser.set_page_load_timeout(60)
    return browser


class Load:
    """Asks for predictions, good ones and a bad one now and then, until the block ends."""

    def __init__(self, server):
        self.server, self.end = server, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        count = 0
        while not self.end.wait(0.02):
            count += 1
            row = [0.5] * (4 if count % 20 == 0 else 5)
            self.server.ask("/v1/models/flat:predict", json.dumps({"instances": [row]}).encode())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()


def text(browser, name):
    return browser.find_element(By.ID, name).text


def rows(browser):
    """The table of models, read in one go: it is made anew every two seconds."""
    return browser.execute_script(
        "return [...document.querySelectorAll('#models tbody tr')].map(r => [...r.cells].map(c => c.textContent))")


def press(browser, *keys):
    ActionChains(browser).send_keys(*keys).perform()


def replace_all(browser, words):
    ActionChains(browser).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).send_keys(words).perform()


def focused(browser):
    return browser.switch_to.active_element.get_attribute("id")


def tab_to(browser, name):
    for _ in range(30):
        if focused(browser) == name:
            return
        press(browser, Keys.TAB)
    raise AssertionError(f"{name} cannot be reached by the tab key")


def asks_for_a_token(browser):
    assert wait_until(lambda: "asks for a token" in text(browser, "notice")), text(browser, "notice")
    assert rows(browser) == [] and text(browser, "ready") == "● ready"
    browser.save_screenshot("1-asks-for-a-token.png")
    tab_to(browser, "token")
    press(browser, "not-it", Keys.ENTER)
    assert wait_until(lambda: "does not know this token" in text(browser, "notice"))
    tab_to(browser, "token")
    press(browser, TOKEN, Keys.ENTER)
    assert wait_until(lambda: len(rows(browser)) == 2), text(browser, "notice")
    assert text(browser, "notice") == ""
    assert TOKEN not in browser.page_source


def shows_models(browser):
    assert [row[:3] for row in rows(browser)] == [["flat", "1", "AVAILABLE"], ["two_inputs", "3", "AVAILABLE"]]
    assert not browser.find_element(By.ID, "jobs").is_displayed()
    assert wait_until(browser.find_element(By.ID, "streams").is_displayed)  # every server has them


def shows_load(browser):
    def rate():
        return float(rows(browser)[0][3].replace("–", "0") or 0)

    assert wait_until(lambda: rate() > 3, 30), rows(browser)
    time.sleep(6)  # a few more looks, for lines
    p50, p90, p99 = (float(x) for x in rows(browser)[0][4:7])
    assert 0 < p50 <= p90 <= p99 < 2500, rows(browser)
    shown = browser.execute_script("return [...document.querySelectorAll('#tiles .tile')].map(t => [t.lastChild.data, "
                                   "t.firstChild.textContent])")
    tiles = dict(shown)
    assert float(tiles["requests/s"]) > 3 and float(tiles["errors/s"].replace("–", "0")) >= 0, tiles
    lines = browser.execute_script("return [...document.querySelectorAll('#rate-chart path.series')].map(p => "
                                   "p.getAttribute('d'))")
    assert any(line.count("L") >= 2 for line in lines), lines
    assert "flat p99" in text(browser, "latency-chart")
    # The chart is read by keys, and by who cannot see it.
    chart = browser.find_element(By.CSS_SELECTOR, "#rate-chart svg")
    browser.execute_script("arguments[0].focus()", chart)
    press(browser, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    said = browser.find_element(By.CSS_SELECTOR, "#rate-chart .readout").text
    assert re.match(r"\d+ s ago: flat [\d.]+", said), said
    assert re.search(r"requests per second, \d+ s ago: flat [\d.]+", chart.get_attribute("aria-label"))
    browser.save_screenshot("2-under-load.png")
    press(browser, Keys.ESCAPE)


def tries_predictions(browser, server):
    tab_to(browser, "try-model")
    press(browser, "two")  # choose by typing
    assert wait_until(lambda: "left: FP32 [n, 4]; right: FP32 [n, 4]" in text(browser, "try-shapes")), text(
        browser, "try-shapes")
    body = browser.find_element(By.ID, "try-body")
    zeros = json.loads(body.get_attribute("value"))
    assert zeros == {"instances": [{"left": [0] * 4, "right": [0] * 4}]}, zeros
    rows_in = [{"left": a, "right": b} for a, b in zip(server.left, server.right)]
    tab_to(browser, "try-body")
    replace_all(browser, json.dumps({"instances": rows_in}))
    press(browser, Keys.TAB, Keys.ENTER)
    assert wait_until(lambda: text(browser, "try-time").startswith("200 in ")), text(browser, "try-answer")
    close([row[0] for row in json.loads(text(browser, "try-answer"))["predictions"]], server.expected)
    browser.save_screenshot("3-predicted.png")
    tab_to(browser, "try-body")
    replace_all(browser, "{}")
    press(browser, Keys.TAB, Keys.ENTER)
    assert wait_until(lambda: text(browser, "try-time").startswith("400 in ")), text(browser, "try-time")
    answer = browser.find_element(By.ID, "try-answer")
    assert "expected either" in answer.text and "bad" in answer.get_attribute("class"), answer.text


def shows_a_bad_version(browser, server):
    os.makedirs(f"{server.folder}/two_inputs/5")
    with open(f"{server.folder}/two_inputs/5/model.h5", "w") as file:
        file.write("<script>no model</script>")
    assert wait_until(lambda: any(row[1:3] == ["5", "END"] for row in rows(browser))), rows(browser)
    assert [row for row in rows(browser) if row[1] == "5"][0][7], rows(browser)
    shutil.rmtree(f"{server.folder}/two_inputs/5")


def shows_drift(browser, server):
    """Of a model that knows what its inputs were: first nothing, then that they are others."""
    assert not browser.find_element(By.ID, "drift").is_displayed()
    with open("watched.csv", "w") as file:
        file.write("flow,speed,next\n" + "".join(f"{i % 97},{i % 13},{i % 7}\n" for i in range(400)))
    recipe = {"data": {"files": "watched.csv"}, "network": {"layers": [{"class": "dense", "units": 1}]},
              "pipeline": {"steps": [], "targets": ["next"], "out_of_range": "pass"}, "output": {"model": "watched.h5"},
              "training": {"optimizer": "adam", "loss": "mse", "epochs": 1}}
    with open("watched.json", "w") as file:
        json.dump(recipe, file)
    subprocess.run([program, "train", "watched.json", "--progress", "none"], check=True, timeout=60)
    os.makedirs(f"{server.folder}/watched/1.part")
    shutil.copy("watched.h5", f"{server.folder}/watched/1.part/model.h5")
    os.rename(f"{server.folder}/watched/1.part", f"{server.folder}/watched/1")
    assert wait_until(lambda: "watched 1 not enough yet – 0" in text(browser, "drift")), text(browser, "drift")
    rows_in = [{"flow": 500 + i % 97, "speed": i % 13} for i in range(260)]
    status, _, answer = server.ask("/v1/models/watched:predict", json.dumps({"instances": rows_in}).encode())
    assert status == 200, answer
    assert wait_until(lambda: re.search(r"watched 1 much changed \d+\.\d+ 260 flow \d+\.\d+, speed 0\.\d+",
                                        text(browser, "drift"))), text(browser, "drift")
    verdict = browser.find_element(By.CSS_SELECTOR, "#drift tbody td:nth-child(3)")
    assert verdict.get_attribute("class") == "bad", verdict.get_attribute("outerHTML")
    browser.save_screenshot("4-drift.png")


STAND_IN = """
const real = window.fetch, answer = (value, status = 200) => Promise.resolve(
    new Response(typeof value === "string" ? value : JSON.stringify(value), {status}));
let sample = 0;
window.fetch = (path, options) => {
  if (path === "/v1/jobs")
    return answer({jobs: [{id: 7, state: "running <b>", score: {name: "rmse", new: 0.25}}]});
  if (path === "/v1/jobs/7/events" && options.headers["Last-Event-ID"])  // from there on
    return options.headers["Last-Event-ID"] === "4" ? answer('id: 5\\ndata: {"epoch": 4, "logs": {"loss": 1.25}}\\n\\n') : Promise.resolve(new Response(null, {status: 204}));
  if (path === "/v1/jobs/7/events")
    return answer('retry: 1\\n\\nid: 1\\ndata: {"epochs": 3}\\n\\n' + [3, 2, 1.5].map((loss, i) =>
        `id: ${i + 2}\\ndata: {"epoch": ${i + 1}, "logs": {"loss": ${loss}}}\\n\\n`).join("") + "data: no JSON\\n" + ":".repeat(262144));
  if (path === "/v1/streams/-/-") return answer({error: 'unknown model "-"'}, 404);
  if (path.startsWith("/v1/streams/flat/a%20b")) {
    ++sample;
    return answer({model: "flat", sensor: "a b", have: 5, need: 5, time: sample,
                   window: [1, 2, 3, 4, 5].map(x => x + sample)});
  }
  if (path === "/v1/streams/flat/north")  // a forecaster's
    return answer({model: "flat", sensor: "north", have: 2, need: 2, time: ++sample, window: [40, 41 + sample], version: 1,
                   forecast: [42.5, 43], horizons: [1, 2], interval: {coverage: 0.9, lower: [40, 39], upper: [45, 47]},
                   warning: {state: "raised", probability: 0.6, value: 50}});
  return real(path, options);
};
return lookForMore();
"""


def shows_jobs_and_streams_where_there_are_some(browser):
    """Answers as a server with jobs and streams gives them."""
    browser.execute_script(STAND_IN)
    assert wait_until(lambda: browser.find_element(By.ID, "jobs").is_displayed())
    jobs = browser.find_element(By.ID, "jobs")
    for part in ("running <b>", "score name", "rmse", "0.25"):
        assert part in jobs.text, jobs.text
    assert "logs loss 1.25" in jobs.text, jobs.text
    picture = jobs.find_element(By.TAG_NAME, "svg")
    assert picture.get_attribute("aria-label") == "7: logs loss 1.25", picture.get_attribute("aria-label")
    assert len(picture.find_elements(By.TAG_NAME, "path")) == 1

    tab_to(browser, "watch-model")
    press(browser, "flat", Keys.TAB)
    press(browser, "a b", Keys.ENTER)
    said = "#watched svg"
    assert wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, said))
    assert wait_until(lambda: re.match(r"a b: came \d+\.\d+, forecast 0\.\d+", browser.find_element(
        By.CSS_SELECTOR, said).get_attribute("aria-label"))), browser.find_element(By.ID, "watched").text
    assert re.search(r"5 of 5 samples; first feature \d+, next 0\.\d+", text(browser, "watched"))
    has_names(browser)
    browser.save_screenshot("6-with-jobs-and-streams.png")
    browser.find_element(By.CSS_SELECTOR, "#watched button").send_keys(Keys.ENTER)
    assert focused(browser) == "watch-sensor" and text(browser, "watched") == ""
    browser.find_element(By.ID, "watch-sensor").clear()
    tab_to(browser, "watch-sensor")
    press(browser, "north", Keys.ENTER)
    assert wait_until(lambda: re.search(r"2 of 2 samples; first feature \d+, next 42.5, from 40.0 to 45.0, warning raised",
                                        text(browser, "watched"))), text(browser, "watched")
    browser.find_element(By.CSS_SELECTOR, "#watched button").send_keys(Keys.ENTER)


def curves_of(browser, section):
    """The label and the lines of the first picture there."""
    return browser.execute_script("""
        const picture = document.querySelector(`#${arguments[0]} svg`);
        return picture ? [picture.getAttribute("aria-label"), ...[...picture.querySelectorAll("path")].map(p => p.getAttribute("d"))] : [];
        """, section)


def shows_a_training_and_its_forecasts(browser):
    """Of a server that trains and holds streams itself, nothing of it made up."""
    shutil.rmtree("own_state", ignore_errors=True)
    recipe = recipe_of_waves("own_data")
    options = ("--state", "own_state", "--job-data", "own_data", "--job-program", program)
    with Server(program, fixtures, folder="own_models", options=options) as server:
        def ask(path, body=None):
            status, _, answer = server.ask(path, None if body is None else json.dumps(body).encode())
            assert status == 200, answer
            return json.loads(answer)

        def push(i):
            ask("/v1/streams/road/north", {"sample": round(50 + 10 * math.sin(0.3 * i), 3), "time": 1704067200 + 300 * i})
            return ask("/v1/streams/road/north")

        ask("/v1/jobs", {"model": "road", "recipe": recipe, "holdout": "waves.csv"})
        browser.get(server.url)
        tab_to(browser, "token")
        press(browser, TOKEN, Keys.ENTER)
        assert wait_until(lambda: browser.find_element(By.ID, "jobs").is_displayed())
        assert wait_until(lambda: "promoted" in text(browser, "jobs"), 300), text(browser, "jobs")
        job = ask("/v1/jobs/1")
        events = server.ask("/v1/jobs/1/events")[2].decode().split("data: ")[1:]
        epochs = [said for said in (json.loads(event.split("\n")[0]) for event in events) if said["event"] == "epoch"]
        assert len(epochs) == recipe["training"]["epochs"], events
        for part in ("road", "rmse", f"{job['score']['new']:.3g}"[:4]):
            assert part in text(browser, "jobs"), (part, text(browser, "jobs"))
        said, *lines = curves_of(browser, "jobs")
        loss = re.search(r"figures loss ([\d.]+)", said)
        assert loss and math.isclose(float(loss.group(1)), epochs[-1]["figures"]["loss"], rel_tol=0.02), (said, epochs[-1])
        assert any(line.count("L") == len(epochs) - 1 for line in lines), lines

        for i in range(6):
            stream = push(i)
        assert wait_until(lambda: any(row[0] == "road" for row in rows(browser)))
        tab_to(browser, "watch-model")
        press(browser, "road", Keys.TAB)
        press(browser, "north", Keys.ENTER)
        told = r"4 of 4 samples; first feature ([\d.]+), next ([\d.]+), from ([\d.]+) to ([\d.]+), warning (\w+)"
        assert wait_until(lambda: re.search(told, text(browser, "watched"))), text(browser, "watched")
        shown = re.search(told, text(browser, "watched")).groups()
        wanted = [stream["window"][-1], stream["forecast"][0], stream["interval"]["lower"][0], stream["interval"]["upper"][0]]
        for got, value in zip(shown, wanted):
            assert math.isclose(float(got), value, rel_tol=0.01), (shown, stream)
        # What had been forecast, beside what came.
        later = push(6)
        assert wait_until(lambda: curves_of(browser, "watched")), text(browser, "watched")
        came, forecast = map(float, re.match(r"north: came ([\d.]+), forecast ([\d.]+)", curves_of(browser, "watched")[0]).groups())
        assert math.isclose(came, later["window"][-1], rel_tol=0.01) and math.isclose(forecast, stream["forecast"][0], rel_tol=0.01), (
            came, forecast, stream, later)
        browser.save_screenshot("8-own-jobs-and-streams.png")


CONTRAST = """
const light = color => {
  const parts = color.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
      .map(x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
  return .2126 * parts[0] + .7152 * parts[1] + .0722 * parts[2];
};
const ratio = (a, b) => (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
const ground = element => {
  for (let at = element; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor;
    if (color !== "rgba(0, 0, 0, 0)") return light(color);
  }
};
const told = [...document.querySelectorAll("body *")].filter(element => element.checkVisibility() &&
    [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()) && !element.closest("svg, script, option"));
return told.map(element => [ratio(light(getComputedStyle(element).color), ground(element)), element.textContent.slice(0, 40)])
    .sort((a, b) => a[0] - b[0])[0];
"""


def looks_well(browser):
    grounds = []
    for scheme in ("light", "dark"):
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        grounds.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
        contrast, where = browser.execute_script(CONTRAST)
        assert contrast >= 4.5, f"{scheme}: the contrast of \"{where}\" is {contrast:.2f}"
        browser.save_screenshot(f"5-{scheme}.png")
    assert grounds[0] != grounds[1], grounds
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True})
    width = browser.execute_script("return document.documentElement.scrollWidth")
    browser.save_screenshot("5-narrow.png")
    assert width <= 360, width
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def has_names(browser):
    for element in browser.find_elements(By.CSS_SELECTOR, "a, button, input, select, textarea, [tabindex='0'], [role=img]"):
        if element.is_displayed():
            assert element.accessible_name, element.get_attribute("outerHTML")[:200]


def console(browser):
    """What was said since the last call, but for answers that are no 200: those are told there always."""
    lines = [line["message"] for line in browser.get_log("browser")]
    return [line for line in lines if "Failed to load resource" not in line]


def runs_no_other_script(browser):
    assert console(browser) == []  # neither errors of scripts, nor anything that the policy refused
    assert browser.execute_script("""
        const added = document.createElement("script");
        added.textContent = "window.was_run = true";
        document.body.append(added);
        return window.was_run === undefined;""")
    said = console(browser)
    assert len(said) == 1 and "Content Security Policy" in said[0], said


begun = time.monotonic()
with Server(program, fixtures) as running:
    browser = start_browser()
    try:
        browser.get(running.url)
        assert browser.title == "maas"
        asks_for_a_token(browser)
        shows_models(browser)
        with Load(running):
            shows_load(browser)
            tries_predictions(browser, running)
            shows_a_bad_version(browser, running)
            shows_drift(browser, running)
            looks_well(browser)
            has_names(browser)
        shows_jobs_and_streams_where_there_are_some(browser)
        browser.refresh()  # the token is kept until the window is closed
        assert wait_until(lambda: len(rows(browser)) >= 2)
        runs_no_other_script(browser)
        running.process.kill()
        assert wait_until(lambda: "no answer" in text(browser, "ready"))
        browser.save_screenshot("7-no-answer.png")
        shows_a_training_and_its_forecasts(browser)
    except BaseException:
        browser.save_screenshot("failed.png")
        raise
    finally:
        browser.quit()
print(f"the page was used in {time.monotonic() - begun:.0f} s; screenshots in {os.getcwd()}")
