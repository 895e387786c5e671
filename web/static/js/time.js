// Seconds as people write them: 1:15, 1:02:03.
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

// A time to the millisecond, as cutting programs and command lines take it: 0:01:15.240.
export function exactly(seconds) {
  const all = Math.round(1000 * Math.max(0, seconds));
  const two = (value) => String(value).padStart(2, "0");
  const whole = Math.floor(all / 1000);
  const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}.${String(all % 1000).padStart(3, "0")}`;
  return `${Math.floor(whole / 3600)}:${rest}`;
}

// A time to the hundredth, as people trim by: 1:15.24.
export function hundredths(seconds) {
  const all = Math.round(100 * Math.max(0, seconds));
  return `${clock(all / 100)}.${String(all % 100).padStart(2, "0")}`;
}

// Seconds of a time that a person wrote: 75.5, 1:15.5, 1:02:03; NaN where it is none.
export function secondsOf(text) {
  const parts = text.trim().replace(",", ".").split(":");
  if (parts.length > 3 || !parts.every((part) => /^\d+(\.\d*)?$/.test(part))) return NaN;
  return parts.reduce((sum, part) => 60 * sum + Number(part), 0);
}
