"""A small Bot API on loopback that fails on demand: run as a process, told what to do over HTTP.

POST /bot<TOKEN>/<method>   the Bot API: sendMessage, sendPhoto, sendMediaGroup, getUpdates, answerCallbackQuery and
                            editMessageReplyMarkup
POST /press                 somebody presses a button: {"message": …, "data": …, "user": {…}, "chat": …}
GET  /keyboards             message: its buttons now, as the Bot API has them
POST /faults                a JSON list of what to do with the next calls, one after the other; "ok" is a success
GET  /calls                 every call, with what it asked for and whether it was accepted
POST /reset                 forget calls and faults

A fault is {"kind": "delay" | "retry_after" | "parse" | "forbidden" | "drop_before" | "drop_after" | "migrate" | "500" |
"chat_not_found" | "photo", "seconds": …, "chat": …}. `drop_after` accepts the message and closes the connection without
an answer; `drop_before` closes it without accepting.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from email.parser import BytesParser
from email.policy import HTTP
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

TOKEN = "12345:secret-token"
ANSWERS = {
    "parse": (400, "Bad Request: can't parse entities: Unsupported start tag", {}),
    "photo": (400, "Bad Request: PHOTO_INVALID_DIMENSIONS", {}),
    "album": (400, "Bad Request: strange number of media, or media without a file", {}),
    "chat_not_found": (400, "Bad Request: chat not found", {}),
    "forbidden": (403, "Forbidden: bot was kicked from the group chat", {}),
    "conflict": (409, "Conflict: terminated by other getUpdates request", {}),
    "500": (500, "Internal Server Error", {}),
}


class State:
    """What the server has seen and will do."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.faults: list[Any] = []
        self.calls: list[dict[str, Any]] = []
        self.next_id = 100
        self.keyboards: dict[str, str | None] = {}
        self.chats: dict[str, int] = {}
        self.updates: list[dict[str, Any]] = []
        self.pressed = self.poller = 0

    def next_fault(self) -> dict[str, Any]:
        with self.lock:
            found = self.faults.pop(0) if self.faults else "ok"
        return {"kind": found} if isinstance(found, str) else found

    def accept(self, call: dict[str, Any], messages: int) -> int:
        """The number of the first of so many messages, which arrive together."""
        with self.lock:
            number = self.next_id + 1
            self.next_id += messages
            self.calls.append({**call, "accepted": True, "message_id": number, "messages": messages})
            self.keyboards[str(number)] = call.get("reply_markup")
            self.chats[str(number)] = int(call["chat_id"]) if call["chat_id"].lstrip("-").isdigit() else -100
            return number

    def done(self, call: dict[str, Any]) -> None:
        with self.lock:
            self.calls.append({**call, "accepted": True})

    def press(self, asked: dict[str, Any]) -> None:
        """An update for whoever polls; `chat` if it is not the one that the message was sent to."""
        number = str(asked["message"])
        with self.lock:
            self.pressed += 1
            chat = asked.get("chat", self.chats.get(number, -100))
            message = {"message_id": int(number), "date": 1_750_000_000, "chat": {"id": chat, "type": "supergroup"}}
            if self.keyboards.get(number):
                message |= {"text": "…", "reply_markup": json.loads(str(self.keyboards[number]))}
            query = {"id": f"q{self.pressed}", "from": asked["user"], "chat_instance": "1", "data": asked["data"]}
            self.updates.append({"update_id": self.pressed, "callback_query": {**query, "message": message}})

    def poll(self, offset: int, seconds: float) -> list[dict[str, Any]] | None:
        """Updates from `offset` on, at once or when there are some; None if another poll has taken over."""
        with self.lock:
            self.poller += 1
            ours = self.poller
            self.updates = [each for each in self.updates if each["update_id"] >= offset]
        end = time.monotonic() + seconds
        while not self.updates and time.monotonic() < end and ours == self.poller:
            time.sleep(0.02)
        return self.updates[:] if ours == self.poller else None

    def refuse(self, call: dict[str, Any], why: str) -> None:
        with self.lock:
            self.calls.append({**call, "accepted": False, "why": why})


STATE = State()


class Shown(HTMLParser):
    """Text after entities are parsed, as Telegram counts it; `wrong` if it is not its HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.open, self.wrong = "", list[str](), False

    def handle_starttag(self, tag: str, _attrs: Any) -> None:
        self.wrong = self.wrong or tag not in ("b", "i", "a", "code", "pre")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.wrong = self.wrong or not self.open or self.open.pop() != tag

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(text: str, mode: str | None) -> str | None:
    """What a reader sees; None if it cannot be parsed."""
    if mode != "HTML":
        return text
    found = Shown()
    found.feed(text)
    found.close()
    broken = re.search(r"&(?!(lt|gt|amp|quot|#\d+|#x[0-9a-f]+);)", text)
    return None if found.wrong or found.open or broken else found.text


def parse(content_type: str, body: bytes) -> dict[str, Any]:
    """The fields of a call; an uploaded file is its number of bytes."""
    if not content_type.startswith("multipart/form-data"):
        return {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    found: dict[str, Any] = {}
    for part in message.iter_parts():
        payload = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        found[str(name)] = f"{len(payload)} bytes" if part.get_filename() else payload.decode()
    return found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet: two would wait for each other (Nagle and delayed acknowledgement)

    def log_message(self, *_: Any) -> None:
        """Silence."""

    def do_GET(self) -> None:
        self.answer(200, STATE.keyboards if self.path == "/keyboards" else STATE.calls)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/faults":
            STATE.faults += json.loads(body)
            self.answer(200, True)
        elif self.path == "/press":
            STATE.press(json.loads(body))
            self.answer(200, True)
        elif self.path == "/reset":
            STATE.reset()
            self.answer(200, True)
        else:
            self.bot(parse(self.headers.get("Content-Type", ""), body))

    def bot(self, fields: dict[str, Any]) -> None:
        token, _, method = self.path.removeprefix("/bot").rpartition("/")
        if token != TOKEN:
            self.refuse(401, "Unauthorized")
            return
        self.call = {"method": method, **fields, "at": time.monotonic()}
        fault = STATE.next_fault()
        kind = fault["kind"]
        if kind == "delay":
            time.sleep(fault["seconds"])
        if kind in ANSWERS:
            self.refuse(*ANSWERS[kind])
        elif kind == "retry_after":
            self.refuse(429, "Too Many Requests", {"retry_after": fault["seconds"]})
        elif kind == "migrate" and fields["chat_id"] != fault["chat"]:
            self.refuse(400, "Bad Request: group chat was upgraded", {"migrate_to_chat_id": int(fault["chat"])})
        elif kind == "drop_before":
            STATE.refuse(self.call, kind)
            self.hang_up()
        elif method in ("sendMessage", "sendPhoto", "sendMediaGroup"):
            self.take(kind)
        else:
            self.listened(method, fields)

    def listened(self, method: str, fields: dict[str, Any]) -> None:
        STATE.done(self.call)
        if method == "getUpdates":
            found = STATE.poll(int(fields.get("offset", 0)), float(fields.get("timeout", 0)))
            if found is None:
                self.refuse(*ANSWERS["conflict"])
            else:
                self.answer(200, {"ok": True, "result": found})
        elif method == "editMessageReplyMarkup":
            STATE.keyboards[fields["message_id"]] = fields.get("reply_markup")
            told = result(int(fields["message_id"]), self.call, "…", False)
            self.answer(200, {"ok": True, "result": told})
        else:
            self.answer(200, {"ok": True, "result": True})

    def take(self, kind: str) -> None:
        photo, told = self.call["method"] != "sendMessage", self.told()
        texts = [shown(text, mode) for text, mode in told]
        if not texts:
            self.refuse(*ANSWERS["album"])
        elif None in texts:
            self.refuse(*ANSWERS["parse"])
        elif any(len(str(text).encode("utf-16-le")) // 2 > (1024 if photo else 4096) for text in texts):
            self.refuse(400, "Bad Request: message is too long")
        elif not photo and texts == [""]:
            self.refuse(400, "Bad Request: message text is empty")
        else:
            self.accepted(kind, list(map(str, texts)), photo)

    def told(self) -> list[tuple[str, str | None]]:
        """Text and its markup of each message that the call makes; of an album that is none, nothing."""
        if self.call["method"] != "sendMediaGroup":
            name = "caption" if self.call["method"] == "sendPhoto" else "text"
            return [(self.call.get(name, ""), self.call.get("parse_mode"))]
        media = json.loads(self.call.get("media", "[]"))
        names = {each["media"].removeprefix("attach://") for each in media}
        whole = 2 <= len(media) <= 10 and len(names) == len(media) and names <= set(self.call)
        wrong = not whole or "reply_markup" in self.call
        return [] if wrong else [(each.get("caption", ""), each.get("parse_mode")) for each in media]

    def accepted(self, kind: str, texts: list[str], photo: bool) -> None:
        first = STATE.accept({**self.call, "shown": "".join(texts)}, len(texts))
        made = [result(first + at, self.call, text, photo) for at, text in enumerate(texts)]
        if kind == "drop_after":
            self.hang_up()
        else:
            self.answer(200, {"ok": True, "result": made if self.call["method"] == "sendMediaGroup" else made[0]})

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def refuse(self, code: int, description: str, parameters: dict[str, Any] | None = None) -> None:
        STATE.refuse(getattr(self, "call", {}), description)
        told = {"ok": False, "error_code": code, "description": description}
        self.answer(code, told | ({"parameters": parameters} if parameters else {}))

    def answer(self, code: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def result(number: int, call: dict[str, Any], text: str, photo: bool) -> dict[str, Any]:
    """A Message of the Bot API."""
    size = {"file_id": "f", "file_unique_id": "u", "width": 10, "height": 10}
    chat = {"id": -100, "type": "supergroup", "title": "Test"}
    content = {"caption": text, "photo": [size]} if photo else {"text": text}
    return {"message_id": number, "date": 1_750_000_000, "chat": chat, **content}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that was killed is what this server is for."""


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
