// report_page: one page about a training or an evaluation.
#include "maas/recipe/report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "maas/core/markup.hpp"
#include "maas/core/new_file.hpp"
#include "maas/training/report.hpp"
#include "recipe/drawing.hpp"
#include "recipe/drawn_rows.hpp"
#include "recipe/run.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

using detail::html_text;

constexpr std::string_view style =
    ":root{color-scheme:light dark;--ink:#222;--paper:#fff;--line:#ddd;--blue:31 111 180;--orange:209 101 26}"
    "@media(prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#16181c;--line:#3a3d44;--blue:110 176 232;"
    "--orange:240 150 80}}"
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1180px;padding:0 1em;color:var(--ink);"
    "background:var(--paper)}"
    "main,.side{display:flex;flex-wrap:wrap;gap:1em}svg{width:560px;max-width:100%;font-size:12px}"
    "svg text{fill:var(--ink)}.name{font-size:15px;font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}"
    "path{fill:none}.axis{stroke:var(--ink)}.grid{stroke:var(--line)}"
    ".training{stroke:rgb(var(--blue));stroke-width:2}.validation{stroke:rgb(var(--orange));stroke-width:2}"
    ".points{stroke-width:3;stroke-linecap:round;stroke-opacity:.35}.bar{fill:rgb(var(--blue))}"
    ".band{fill:rgb(var(--orange) / .25)}details{margin:.5em 0}summary{cursor:pointer;font-weight:600}"
    ".best{fill:var(--paper)}table{border-collapse:collapse;margin:1em 0}"
    "th,td{padding:.2em .8em;border-bottom:1px solid var(--line);text-align:right}"
    "th:first-child{text-align:left}caption{text-align:left;font-weight:600}ul{padding-left:1.2em}";

std::string number_text(double value) { return std::isnan(value) ? "–" : fmt::format("{:.4g}", value); }

std::string heading(std::string_view text) { return fmt::format("<h2>{}</h2>\n", html_text(text)); }

std::string facts_html(const Report& report) {
  std::string rows;
  for (const auto& [name, value] : report.facts)
    rows += fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", html_text(name), html_text(value));
  return rows.empty() ? "" : "<table>\n" + rows + "</table>\n";
}

std::string curves_html(const History& history) {
  return "<main>\n" + detail::history_charts(history) +
         "</main>\n<table>\n<tr><th>figure</th><th>last</th><th>best</th><th>in epoch</th></tr>\n" +
         detail::history_rows(history) + "</table>\n";
}

std::string details_html(std::string_view name, const std::string& inside, bool open) {
  return fmt::format("<details{}>\n<summary>{}</summary>\n{}</details>\n", open ? " open" : "", html_text(name),
                     inside);
}

std::string learning_html(const Report& report) {
  const std::string title = heading("Learning curves");
  if (report.ensemble.empty())
    return report.history && !report.history->names().empty() ? title + curves_html(*report.history) : "";
  std::string text = title;
  for (std::size_t i = 0; i < report.ensemble.size(); ++i)
    text += details_html(fmt::format("Network {} of {}", i + 1, report.ensemble.size()),
                         curves_html(report.ensemble[i]), i == 0);
  return text;
}

// ---- Evaluations ----

std::string scores_html(const TargetEvaluation& target) {
  std::string text =
      fmt::format("<table>\n<caption>{}, {} rows</caption>\n<tr><th></th>", html_text(target.target), target.count());
  for (const auto& [name, value] : target.answers.front().scores) text += fmt::format("<th>{}</th>", html_text(name));
  text += "</tr>\n";
  for (const AnswerScores& answer : target.answers) {
    text += fmt::format("<tr><th>{}</th>", html_text(answer.name));
    for (const auto& [name, value] : answer.scores) text += fmt::format("<td>{}</td>", number_text(value));
    text += "</tr>\n";
  }
  return text + "</table>\n";
}

// The darker, the larger the share of its true class.
std::string confusion_html(const TargetEvaluation& target) {
  constexpr std::size_t most = 40;
  if (target.classes.size() > most) return "";
  std::string text = "<table>\n<caption>Confusion: true classes in rows, answers in columns</caption>\n<tr><th></th>";
  for (const std::string& name : target.classes) text += fmt::format("<th>{}</th>", html_text(name));
  text += "</tr>\n";
  for (std::size_t i = 0; i < target.classes.size(); ++i) {
    const std::vector<Index>& row = target.confusion[i];
    const auto all = static_cast<double>(std::accumulate(row.begin(), row.end(), Index(0)));
    text += fmt::format("<tr><th>{}</th>", html_text(target.classes[i]));
    for (std::size_t j = 0; j < row.size(); ++j)
      text += fmt::format("<td style=\"background:rgb(var(--{}) / {:.2f})\">{}</td>", i == j ? "blue" : "orange",
                          all > 0 ? 0.6 * static_cast<double>(row[j]) / all : 0, row[j]);
    text += "</tr>\n";
  }
  return text + "</table>\n";
}

std::string scatter_svg(const TargetEvaluation& target) {
  const std::size_t stride = (target.truth.size() + most_points - 1) / most_points;
  std::vector<double> truth, answers;
  for (std::size_t i = 0; i < target.truth.size(); i += stride)
    truth.push_back(target.truth[i]), answers.push_back(target.predicted[i]);
  const Range range = range_of({&truth, &answers});
  Drawing drawing(target.target + ": answers against the truth", "true", "answered", range, range);
  drawing.points(truth, answers, "training");
  drawing.line({range.low, range.high}, {range.low, range.high}, "validation");
  return drawing.svg();
}

std::vector<std::size_t> places_in_time(const TargetEvaluation& target, const std::vector<double>& times) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < target.rows.size(); ++i)
    if (std::isfinite(times[static_cast<std::size_t>(target.rows[i])])) places.push_back(i);
  std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
    return times[static_cast<std::size_t>(target.rows[a])] < times[static_cast<std::size_t>(target.rows[b])];
  });
  return places;
}

std::vector<Drawing::Tick> day_ticks(double first, double last) {
  std::vector<Drawing::Tick> ticks;
  for (double day = std::ceil(first / seconds_a_day); day * seconds_a_day <= last && ticks.size() < 10; ++day)
    ticks.emplace_back(day * seconds_a_day, format_time(day * seconds_a_day).substr(5, 5));
  if (ticks.size() > 1) return ticks;
  constexpr double part_of_day = seconds_a_day / 8;  // of less than two days the hours
  ticks.clear();
  for (double time = std::ceil(first / part_of_day) * part_of_day; time <= last; time += part_of_day)
    ticks.emplace_back(time, format_time(time).substr(5, 11));
  return ticks;
}

/// The ends of intervals around the answers of a target, one of each an answer; or none.
struct Band {
  std::vector<double> low = {}, high = {};
};

// Answers beside the truth, in front of their intervals.
void draw_answers(Drawing& drawing, const std::vector<double>& x, const std::vector<double>& truth,
                  const std::vector<double>& answers, const Band& band, const std::string& name) {
  if (!band.low.empty()) drawing.band(x, band.low, band.high);
  drawing.line(x, truth, "training");
  drawing.line(x, answers, "validation");
  drawing.legend("training", "true");
  drawing.legend("validation", name);
  if (!band.low.empty()) drawing.legend("band", "interval");
}

std::string along_time_svg(const TargetEvaluation& target, const std::vector<double>& times,
                           const std::string& answer_name, const Band& band = {}) {
  const std::vector<std::size_t> places = places_in_time(target, times);
  if (places.size() < 2) return "";
  const auto time_at = [&](std::size_t place) { return times[static_cast<std::size_t>(target.rows[place])]; };
  const double last = time_at(places.back()), first = std::max(last - seconds_a_week, time_at(places.front()));
  if (!(first < last)) return "";
  std::vector<double> x, truth, answers;
  Band shown;
  for (std::size_t place : places) {
    if (time_at(place) < first || x.size() >= most_along_time) continue;
    x.push_back(time_at(place)), truth.push_back(target.truth[place]), answers.push_back(target.predicted[place]);
    if (!band.low.empty()) shown.low.push_back(band.low[place]), shown.high.push_back(band.high[place]);
  }
  Drawing drawing(target.target, "the last week", "", {first, last},
                  range_of({&truth, &answers, &shown.low, &shown.high}), day_ticks(first, last));
  draw_answers(drawing, x, truth, answers, shown, answer_name);
  return drawing.svg();
}

std::string by_hour_svg(const TargetEvaluation& target, const std::vector<double>& errors) {
  std::vector<double> hours(errors.size());
  std::iota(hours.begin(), hours.end(), 0);
  Range range = range_of({&errors});
  range.low = 0;
  Drawing drawing(
      target.target + (target.is_class ? ": share of wrong answers by hour" : ": mean absolute error by hour"),
      "hour of the day", "", {-0.7, 23.7}, range);
  drawing.bars(hours, errors, 0.8);
  return drawing.svg();
}

std::vector<double> errors_by_hour(const TargetEvaluation& target, const std::vector<double>& times) {
  ErrorsByHour errors;
  for (std::size_t i = 0; i < target.rows.size(); ++i) {
    const double difference = std::abs(target.predicted[i] - target.truth[i]);
    errors.add(times[static_cast<std::size_t>(target.rows[i])],
               target.is_class ? (difference > 0 ? 1 : 0) : difference);
  }
  return errors.means();
}

std::string drawings_of_rows(const TargetEvaluation& target, const std::vector<double>& times) {
  std::string text = target.is_class ? "" : scatter_svg(target);
  if (times.empty()) return text;
  if (!target.is_class) text += along_time_svg(target, times, "answered");
  return text + by_hour_svg(target, errors_by_hour(target, times));
}

// Some of many rows, as those of a table are.
TargetEvaluation listed(const TargetEvaluation& target, const DrawnRows& some) {
  TargetEvaluation found{.target = target.target};
  found.rows.resize(some.truth.size());
  std::iota(found.rows.begin(), found.rows.end(), Index(0));
  found.truth = some.truth;
  found.predicted = some.predicted;
  return found;
}

// Of rows that are not listed what was gathered of them.
std::string drawings_of_many(const TargetEvaluation& target) {
  std::string text;
  if (!target.sample.truth.empty()) text += scatter_svg(listed(target, target.sample));
  if (!target.last_week.times.empty())
    text += along_time_svg(listed(target, target.last_week), target.last_week.times, "answered");
  if (!target.error_by_hour.empty()) text += by_hour_svg(target, target.error_by_hour);
  return text;
}

std::string evaluation_html(const Evaluation& evaluation) {
  std::string text = heading(evaluation.name);
  text += fmt::format(
      "<p>{} rows{}</p>\n", evaluation.rows,
      evaluation.unanswered > 0 ? fmt::format(", {} of them without an answer", evaluation.unanswered) : std::string());
  for (const TargetEvaluation& target : evaluation.targets) {
    text += scores_html(target);
    text += target.is_class ? confusion_html(target) : "";
    const std::string drawings =
        target.rows.empty() ? drawings_of_many(target) : drawings_of_rows(target, evaluation.times);
    if (!drawings.empty()) text += "<main>\n" + drawings + "</main>\n";
  }
  return text;
}

// ---- Forecasts ----

struct ScoreColumn {
  std::string_view title;
  double Scores::*score;
};
constexpr ScoreColumn score_columns[] = {{"MAE", &Scores::mae},
                                         {"RMSE", &Scores::rmse},
                                         {"MAPE, %", &Scores::mape},
                                         {"sMAPE, %", &Scores::smape},
                                         {"R2", &Scores::r2}};

// A score, and where it is a mean of several in brackets how far these lie apart.
std::string score_cell(const ScoreTable::Row& row, double Scores::*score) {
  const std::string spread = row.spread ? fmt::format(" ({})", number_text((*row.spread).*score)) : "";
  return fmt::format("<td>{}{}</td>", number_text(row.scores.*score), spread);
}

std::string score_table_html(const ScoreTable& table) {
  std::string text = "<table>\n<tr><th></th><th>horizon</th>";
  for (const ScoreColumn& column : score_columns) text += fmt::format("<th>{}</th>", column.title);
  text += "</tr>\n";
  for (const ScoreTable::Row& row : table.rows()) {
    text += fmt::format("<tr><th>{}</th><td>{}</td>", html_text(row.model),
                        horizon_text(row.horizon, table.seconds_a_reading()));
    for (const ScoreColumn& column : score_columns) text += score_cell(row, column.score);
    text += "</tr>\n";
  }
  const bool all = !table.rows().empty() && table.rows()[0].averaging == Averaging::up_to_horizon;
  const bool spread = std::ranges::any_of(table.rows(), [](const auto& row) { return row.spread.has_value(); });
  const std::string unit = table.unit().empty() ? "" : ", MAE and RMSE in " + html_text(table.unit());
  return text + "</table>\n<p>Means over the forecasts " + (all ? "of all steps up to the horizon" : "at the horizon") +
         unit + (spread ? "; in brackets the largest less the smallest of what a mean is of" : "") + ".</p>\n";
}

/// One sensor at one horizon as an evaluation has it, with the times of the targets and the intervals, if any.
struct SensorForecasts {
  TargetEvaluation target = {};
  std::vector<double> times = {};  // one a window
  Band band = {};
};

SensorForecasts of_sensor(const Forecasts& forecasts, const Intervals* intervals, Index step, Index sensor) {
  const Index column = forecasts.column(step, sensor), horizon = forecasts.horizons[static_cast<std::size_t>(step)];
  SensorForecasts found;
  TargetEvaluation& target = found.target;
  target.target = fmt::format("{}, {}", forecasts.sensors[static_cast<std::size_t>(sensor)],
                              horizon_text(horizon, forecasts.seconds_a_reading));
  for (Index window = 0; window < forecasts.windows(); ++window) {
    const auto place = static_cast<std::size_t>(window);
    const double ahead = static_cast<double>(horizon) * forecasts.seconds_a_reading;
    found.times.push_back(forecasts.times.empty() ? static_cast<double>(forecasts.origins[place] + horizon)
                                                  : forecasts.times[place] + ahead);
    const double truth = static_cast<double>(forecasts.truth(window, column));
    const double value = static_cast<double>(forecasts.values(window, column));
    if (!std::isfinite(truth) || !std::isfinite(value)) continue;
    target.rows.push_back(window);
    target.truth.push_back(truth);
    target.predicted.push_back(value);
    if (intervals == nullptr) continue;
    found.band.low.push_back(static_cast<double>(intervals->lower(window, column)));
    found.band.high.push_back(static_cast<double>(intervals->upper(window, column)));
  }
  return found;
}

// All sensors together.
std::string forecast_errors_svg(const Forecasts& forecasts, Index step) {
  TargetEvaluation all;
  std::vector<double> times;
  for (Index sensor = 0; sensor < static_cast<Index>(forecasts.sensors.size()); ++sensor) {
    const SensorForecasts one = of_sensor(forecasts, nullptr, step, sensor);
    const TargetEvaluation& target = one.target;
    times = one.times;
    all.rows.insert(all.rows.end(), target.rows.begin(), target.rows.end());
    all.truth.insert(all.truth.end(), target.truth.begin(), target.truth.end());
    all.predicted.insert(all.predicted.end(), target.predicted.begin(), target.predicted.end());
  }
  all.target =
      "all sensors, " + horizon_text(forecasts.horizons[static_cast<std::size_t>(step)], forecasts.seconds_a_reading);
  return by_hour_svg(all, errors_by_hour(all, times));
}

std::string along_readings_svg(const SensorForecasts& one) {
  constexpr std::size_t most = 600;
  const TargetEvaluation& target = one.target;
  const std::size_t first = target.rows.size() > most ? target.rows.size() - most : 0;
  std::vector<double> x;
  for (std::size_t i = first; i < target.rows.size(); ++i)
    x.push_back(one.times[static_cast<std::size_t>(target.rows[i])]);
  const auto last_of = [&](const std::vector<double>& all) {
    return std::vector<double>(all.begin() + static_cast<std::ptrdiff_t>(std::min(first, all.size())), all.end());
  };
  const std::vector<double> truth = last_of(target.truth), answers = last_of(target.predicted);
  const Band band{last_of(one.band.low), last_of(one.band.high)};
  Drawing drawing(target.target, "reading", "", range_of({&x}), range_of({&truth, &answers, &band.low, &band.high}));
  draw_answers(drawing, x, truth, answers, band, "forecast");
  return drawing.svg();
}

/// A sensor that is drawn, and why.
struct DrawnSensor {
  Index sensor = 0;
  double error = 0;  // mean absolute, at the farthest horizon; NaN where none of its readings counts
  std::string why = {};
};

// All of a few; of many the first, and by their error the best, the one in the middle and the worst.
std::vector<DrawnSensor> drawn_sensors(const Forecasts& forecasts) {
  constexpr std::size_t few = 4;
  std::vector<DrawnSensor> all, scored;
  for (std::size_t i = 0; i < forecasts.sensors.size(); ++i) {
    const auto sensor = static_cast<Index>(i);
    all.push_back({sensor, score(forecasts, forecasts.horizons.back(), {.sensor = sensor}).mae});
    if (!std::isnan(all.back().error)) scored.push_back(all.back());
  }
  std::ranges::stable_sort(scored, {}, &DrawnSensor::error);
  std::vector<std::pair<Index, std::string>> places;
  if (!scored.empty())
    places = {{scored.front().sensor, "the smallest of all"},
              {scored[scored.size() / 2].sensor, "in the middle of all"},
              {scored.back().sensor, "the largest of all"}};
  if (all.size() <= few) {
    std::erase_if(places, [&](const auto& each) { return all.size() == 1 || each.second == "in the middle of all"; });
    for (const auto& [sensor, why] : places) all[static_cast<std::size_t>(sensor)].why = why;
    return all;
  }
  std::vector<DrawnSensor> drawn{all.front()};
  for (const auto& [sensor, why] : places) {
    if (std::ranges::find(drawn, sensor, &DrawnSensor::sensor) == drawn.end())
      drawn.push_back(all[static_cast<std::size_t>(sensor)]);
    std::ranges::find(drawn, sensor, &DrawnSensor::sensor)->why = why;
  }
  return drawn;
}

// The nearest horizon and the farthest.
std::vector<Index> drawn_steps(const Forecasts& forecasts) {
  const auto last = static_cast<Index>(forecasts.horizons.size()) - 1;
  return last == 0 ? std::vector<Index>{0} : std::vector<Index>{0, last};
}

std::string error_text(const Forecasts& forecasts, const DrawnSensor& drawn, const std::string& unit) {
  if (std::isnan(drawn.error)) return "no error known";
  return fmt::format("mean absolute error {}{} at {}{}", number_text(drawn.error), unit.empty() ? "" : " " + unit,
                     horizon_text(forecasts.horizons.back(), forecasts.seconds_a_reading),
                     drawn.why.empty() ? "" : ", " + drawn.why);
}

std::string sensor_html(const Forecasts& forecasts, const Intervals* intervals, const DrawnSensor& drawn,
                        const std::string& unit, bool open) {
  std::string text = "<main>\n";
  for (Index step : drawn_steps(forecasts)) {
    const SensorForecasts one = of_sensor(forecasts, intervals, step, drawn.sensor);
    text +=
        forecasts.times.empty() ? along_readings_svg(one) : along_time_svg(one.target, one.times, "forecast", one.band);
    text += scatter_svg(one.target);
  }
  const std::string& name = forecasts.sensors[static_cast<std::size_t>(drawn.sensor)];
  return details_html(name + ": " + error_text(forecasts, drawn, unit), text + "</main>\n", open);
}

// Times of several series begin anew with each: these are drawn along their readings, one behind the other.
Forecasts in_order(Forecasts forecasts) {
  if (!forecasts.series.empty() && forecasts.series.front() != forecasts.series.back()) forecasts.times.clear();
  return forecasts;
}

void check_intervals(const Intervals& intervals, const Forecasts& forecasts) {
  for (const Matrix* ends : {&intervals.lower, &intervals.upper})
    require<ShapeError>(ends->rows() == forecasts.windows() && ends->cols() == forecasts.values.cols(),
                        "report: expected intervals of {} x {} forecasts, got {} x {}", forecasts.windows(),
                        forecasts.values.cols(), ends->rows(), ends->cols());
}

// What stands for missing is missing.
Forecasts without(std::optional<double> null_value, Forecasts forecasts) {
  if (!null_value) return forecasts;
  for (Scalar& truth : forecasts.truth.reshaped())
    if (static_cast<double>(truth) == *null_value) truth = std::numeric_limits<Scalar>::quiet_NaN();
  return forecasts;
}

std::string forecasts_html(const Report& report) {
  std::string text = report.scores || report.forecasts ? heading("Forecasts of the test") : "";
  if (report.scores) text += score_table_html(*report.scores);
  if (!report.forecasts || report.forecasts->horizons.empty() || report.forecasts->sensors.empty()) return text;
  const Forecasts forecasts = without(report.null_value, *report.forecasts);
  const Intervals* intervals = report.intervals ? &*report.intervals : nullptr;
  if (intervals != nullptr) check_intervals(*intervals, forecasts);
  if (!forecasts.times.empty()) {
    text += "<main>\n";
    for (Index step : drawn_steps(forecasts)) text += forecast_errors_svg(forecasts, step);
    text += "</main>\n";
  }
  const std::string unit = report.scores ? report.scores->unit() : "";
  const std::vector<DrawnSensor> drawn = drawn_sensors(forecasts);
  const Forecasts along = in_order(forecasts);
  if (drawn.size() < forecasts.sensors.size())
    text += fmt::format("<p>{} of {} sensors are drawn.</p>\n", drawn.size(), forecasts.sensors.size());
  for (const DrawnSensor& each : drawn)
    text += sensor_html(along, intervals, each, unit, each.sensor == drawn.front().sensor);
  return text;
}

// ---- Intervals, data ----

std::string coverage_html(const std::vector<IntervalCoverage>& all) {
  if (all.empty()) return "";
  std::string text =
      heading("Intervals") + "<table>\n<tr><th></th><th>to be covered</th><th>covered</th><th>mean width</th></tr>\n";
  std::vector<double> x, covered;
  for (const IntervalCoverage& each : all) {
    text += fmt::format("<tr><th>{}</th><td>{:.6g} %</td><td>{:.2f} %</td><td>{}</td></tr>\n", html_text(each.name),
                        100 * each.nominal, 100 * each.covered, number_text(each.width));
    x.push_back(static_cast<double>(x.size()) + 1);
    covered.push_back(100 * each.covered);
  }
  text += "</table>\n";
  Drawing drawing("Covered, %", "interval", "", {0.3, static_cast<double>(all.size()) + 0.7}, {0, 105});
  drawing.bars(x, covered, 0.6);
  for (std::size_t i = 0; i < all.size(); ++i)
    drawing.line({x[i] - 0.4, x[i] + 0.4}, {100 * all[i].nominal, 100 * all[i].nominal}, "validation");
  return text + "<main>\n" + drawing.svg() + "</main>\n";
}

std::string alarms_row(const std::string& who, const AlarmReport& alarms) {
  return fmt::format(
      "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
      who, alarms.alarms, alarms.right, number_text(alarms.precision), alarms.events, alarms.warned,
      number_text(alarms.recall), number_text(alarms.mean_lead_minutes), number_text(alarms.false_alarms_a_day));
}

std::string alarms_html(const AlarmReport& alarms, const std::optional<AlarmReport>& naive) {
  std::string text = heading("Alarms") +
                     "<table>\n<tr><th></th><th>alarms</th><th>right</th><th>precision</th><th>events</th>"
                     "<th>warned of</th><th>recall</th><th>minutes ahead</th><th>false a day</th></tr>\n" +
                     alarms_row("model", alarms);
  if (naive) text += alarms_row("persistence", *naive);
  return text + "</table>\n<p>Minutes ahead are a mean over the events that were warned of; false alarms a day are " +
         "those of all sensors together.</p>\n";
}

std::string data_html(const DataReport& data) {
  std::string text = heading("What was found in the data");
  if (data.findings.empty()) return text + "<p>nothing odd</p>\n";
  text += "<p>Rows are counted from 0.</p>\n<ul>\n";
  for (const std::string& finding : data.findings) text += "<li>" + html_text(finding) + "</li>\n";
  return text + "</ul>\n";
}

}  // namespace

}  // namespace maas::inline MAAS_ABI::recipe

namespace maas::inline MAAS_ABI {

std::string report_page(const Report& report) {
  using namespace recipe;
  const std::string title = html_text(report.title);
  std::string body = fmt::format("<h1>{}</h1>\n", title);
  if (!report.description.empty()) body += fmt::format("<p>{}</p>\n", html_text(report.description));
  body += facts_html(report);
  for (const std::string& note : report.notes) body += fmt::format("<p>{}</p>\n", html_text(note));
  for (const Evaluation& evaluation : report.evaluations) body += evaluation_html(evaluation);
  body += forecasts_html(report);
  body += coverage_html(report.coverage);
  if (report.alarms) body += alarms_html(*report.alarms, report.naive_alarms);
  if (report.cross_validation) body += cross_validation_html(*report.cross_validation);
  if (report.tuning) body += tuning_html(*report.tuning);
  body += learning_html(report);
  if (report.data) body += data_html(*report.data);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n"
      "{}</body>\n</html>\n",
      title, style, body);
}

void write_report(const std::string& path, const Report& report) {
  NewFile file(path);
  file.write(report_page(report));
  file.commit();
}

}  // namespace maas::inline MAAS_ABI
