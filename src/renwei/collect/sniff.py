"""What a file is, told from its bytes: kind, encoding, delimiter. Names are never trusted."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from renwei.core.errors import NotATable

Kind = Literal["text", "workbook", "parquet", "json"]

_WORDS = (
    "订单",
    "商品",
    "金额",
    "数量",
    "姓名",
    "手机",
    "时间",
    "訂單",
    "商品",
    "金額",
    "數量",
    "時間",
)
_DELIMITERS = (",", "\t", ";", "|")
_PICTURES = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"%PDF": "PDF",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7z",
    b"SQLite": "SQLite",
    b"\x7fELF": "ELF",
    b"RIFF": "RIFF",
    b"BM": "BMP",
    b"MZ": "EXE",
}


def kind_of(name: str, content: bytes) -> Kind:
    """Tell what the bytes are.

    Raises:
        NotATable: A picture, a web page, a locked workbook, or nothing at all.
    """
    head = content[:4096]
    if head[:4] == b"PAR1":
        return "parquet"
    if head[:4] == b"PK\x03\x04":
        return "workbook"
    if head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise NotATable("encrypted_workbook", file=name)
        return "workbook"
    for start, what in _PICTURES.items():
        if head.startswith(start) and (len(start) > 2 or b"\x00" in head):
            raise NotATable("not_a_table", file=name, found=what)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text:
        raise NotATable("empty_file", file=name)
    if re.match(rb"<(!doctype|html|head|body|table|meta|\?xml|script|div)", text, re.I):
        raise NotATable("web_page", file=name)
    if text[:1] == b"{" or re.match(rb"\[\s*[{\]]", text):
        return "json"
    return "text"


@dataclass(slots=True)
class Decoded:
    """Text with the encoding it was in; `odd` are line numbers decoded otherwise."""

    text: str
    encoding: str
    odd: list[int] = field(default_factory=list)


def decode(name: str, content: bytes) -> Decoded:
    """Decode bytes in the encoding they are in; lines in another one are taken in it.

    Raises:
        NotATable: The bytes are no text in any encoding known.
    """
    if content[:3] == b"\xef\xbb\xbf":
        return _as_utf8(name, content[3:], "utf-8-sig")
    wide = _wide(content)
    if wide:
        text = content.decode(wide, errors="replace").lstrip("\ufeff")
        return Decoded(text, "utf-16")
    if content[:65536].count(0) > 8:
        raise NotATable("not_a_table", file=name, found="binary")
    return _as_utf8(name, content, "utf-8")


def _wide(content: bytes) -> str:
    if content[:2] == b"\xff\xfe":
        return "utf-16-le"
    if content[:2] == b"\xfe\xff":
        return "utf-16-be"
    head = content[:2000]
    if len(head) >= 8:
        even, odd = head[0::2].count(0) / (len(head) / 2), head[1::2].count(0) / (len(head) / 2)
        if odd > 0.3 and even < 0.05:
            return "utf-16-le"
        if even > 0.3 and odd < 0.05:
            return "utf-16-be"
    return ""


def _as_utf8(name: str, content: bytes, label: str) -> Decoded:
    try:
        return Decoded(content.decode("utf-8"), label)
    except UnicodeDecodeError as fault:
        if fault.start > len(content) - 4 and fault.reason == "unexpected end of data":
            return Decoded(content[: fault.start].decode("utf-8"), label)  # cut off in a letter
    lines = content.split(b"\n")
    wide = [n for n, line in enumerate(lines) if not line.isascii()]
    good = {n for n in wide if _is_utf8(lines[n])}
    if label == "utf-8-sig" or len(good) * 2 > len(wide):
        other = _legacy(b"\n".join(lines[n] for n in wide if n not in good))
        return _mixed(lines, good, wide, (label, other))
    main = _legacy(content)
    _readable(name, content, main)
    if main == "cp1252" or not good or not all(_is_cjk(lines[n]) for n in good):
        good = {n for n in good if main != "cp1252" and _is_cjk(lines[n])}
    bad = set(wide) - good
    return _mixed(lines, bad, wide, (main, "utf-8"))


def _mixed(lines: list[bytes], main: set[int], wide: list[int], names: tuple[str, str]) -> Decoded:
    """Decode the lines of `main` and all plain ones as names[0], the others as names[1]."""
    odd = [n for n in wide if n not in main]
    if not odd:
        text = b"\n".join(lines).decode(names[0].removesuffix("-sig"), errors="replace")
        return Decoded(text, names[0])
    aside = set(odd)
    text = "\n".join(
        line.decode(names[1 if n in aside else 0].removesuffix("-sig"), errors="replace")
        for n, line in enumerate(lines)
    )
    return Decoded(text, names[0], [n + 1 for n in odd])


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_cjk(line: bytes) -> bool:
    wide = [c for c in line.decode("utf-8") if c > "\x7f"]
    return len(wide) > 1 and all("\u2000" <= c <= "\u9fff" or c > "\uff00" for c in wide)


def _legacy(content: bytes) -> str:
    """Which of gb18030, big5 and cp1252 bytes that are not UTF-8 are in."""
    sample = content[: 1 << 18]
    alone = len(re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x40-\xff]|[\x80-\xff])", sample))
    alone += len(re.findall(rb"(?<=[A-Za-z])[\xc0-\xff](?=[a-z])", sample))
    runs = len(re.findall(rb"[\x80-\xff]{2,}", sample))
    if alone > runs:
        return "cp1252"
    scores = {name: _familiar(sample, name) for name in ("gb18030", "big5")}
    return max(scores, key=lambda name: scores[name])


def _familiar(sample: bytes, encoding: str) -> float:
    """Share of everyday letters, plus a vote for each order word seen."""
    text = sample.decode(encoding, errors="replace")
    wide = [c for c in text if c > "\x7f"]
    if not wide:
        return 0.0
    narrow = "gb2312" if encoding == "gb18030" else "big5"
    common = 0
    for c in wide:
        try:
            code = c.encode(narrow)
        except UnicodeEncodeError:
            continue
        first = code[0]
        low, high = (0xA1, 0xD7) if narrow == "gb2312" else (0xA1, 0xC6)
        common += low <= first <= high
    words = sum(word in text for word in _WORDS)
    return common / len(wide) + 0.2 * words - 2 * text.count("\ufffd") / len(wide)


def _readable(name: str, content: bytes, encoding: str) -> None:
    text = content[: 1 << 16].decode(encoding, errors="replace")
    strange = sum(c == "\ufffd" or (c < " " and c not in "\t\r\n") for c in text)
    if strange > 0.02 * len(text):
        raise NotATable("not_a_table", file=name, found="binary")


def delimiter_of(text: str) -> str:
    """The delimiter that cuts the first records into the same number of cells, or "".

    " " stands for any run of blanks (fixed-width files such as CDNOW).
    """
    sample = text[:65536]
    if len(text) > len(sample):
        sample = sample[: sample.rfind("\n") + 1] or sample
    best, best_score = "", 0.0
    for delimiter in _DELIMITERS:
        score = _evenness(sample, delimiter)
        if score > best_score:
            best, best_score = delimiter, score
    if best or not sample.strip("".join(_DELIMITERS) + " \r\n"):
        return best or ","
    lines = [line.split() for line in sample.splitlines() if line.strip()]
    numeric = [line for line in lines if len(line) >= 3 and sum(_number(c) for c in line) >= 3]
    widths = Counter(len(line) for line in numeric)
    if widths and widths.most_common(1)[0][1] >= 0.8 * (len(lines) - 1) > 0:
        return " "
    return ""


def _number(cell: str) -> bool:
    return re.fullmatch(r"[-+]?[\d.,]+", cell) is not None


def _evenness(sample: str, delimiter: str) -> float:
    rows = []
    try:
        for row in csv.reader(sample.splitlines(keepends=True), delimiter=delimiter):
            if any(cell.strip() for cell in row):
                rows.append(len(row))
            if len(rows) >= 200:
                break
    except csv.Error:
        return 0.0
    widths = Counter(rows)
    if not widths:
        return 0.0
    width, count = max(widths.items(), key=lambda pair: (pair[1] * (pair[0] > 1), pair[0]))
    if width < 2:
        return 0.0
    # A comma inside prose cuts lines unevenly; a delimiter cuts most of them alike.
    share = count / len(rows)
    return share * (1 + 0.05 * min(width, 20)) if share >= 0.5 or count >= 20 else 0.0
