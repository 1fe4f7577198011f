from __future__ import annotations
import orjson
from tests.api import ApiClient, POLICY, body, results, returns

def show(name, r):
    print(f"{name:40} {r.status_code} {r.get('Content-Type')} {r.content[:230]!r}")

def test_probe(root: ApiClient) -> None:
    root.make_world()
    root.make_strategy()
    root.submit("alpha", "mom", results())
    root.evaluate("alpha")
    show("policy idem", root.post("/worlds/alpha/policy", POLICY, idempotency_key="abc"))
    show("schema html", root.get("/schema/", accept="text/html"))
    show("schema fmt", root.get("/schema/?format=xyz"))
    show("schema lang", root.get("/schema/?lang=xx&version=3"))
    show("metrics post", root.post("/metrics"))
    deep = b'{"a":' * 300 + b"1" + b"}" * 300
    show("deep card", root.post("/strategies", b'{"id":"deep","model_card":' + deep + b"}"))
    deep = b'{"a":' * 990 + b"1" + b"}" * 990
    show("deep card 990", root.post("/strategies", b'{"id":"deep","model_card":' + deep + b"}"))
    for ts in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        show("ts", root.submit("alpha", "mom", {"returns": {"values": [0.1, 0.2], "start": ts, "interval": "1d"}}, run_id="x"))
    show("overflow", root.submit("alpha", "mom", {"returns": {"values": [0.01, -0.01] * 20000, "start": "2020-01-01", "interval": "999999w"}}, run_id="x1"))
    show("cap bool", root.post("/worlds", {"id": "w2", "reference_capital": True}))
    show("cap str", root.post("/worlds", {"id": "w3", "reference_capital": "12"}))
    show("cap 1e5s", root.post("/worlds", {"id": "w4", "reference_capital": "1e3"}))
    show("form", root.post("/worlds", {"id": "w5"}, content_type="application/x-www-form-urlencoded"))
    show("multipart", root.post("/worlds", {"id": "w6"}, content_type="multipart/form-data; boundary=x"))
    show("policy multipart", root.post("/worlds/alpha/policy", POLICY, content_type="multipart/form-data; boundary=x"))
    show("empty body", root.post("/worlds"))
    show("empty policy", root.post("/worlds/alpha/policy", b""))
    show("binary policy", root.post("/worlds/alpha/policy", b"\xff\xfe\x00"))
    show("binary yaml", root.post("/worlds/alpha/policy", b"\xff\xfe\x00", content_type="application/yaml"))
    show("activate []", root.post("/worlds/alpha/policies/1/activate", []))
    for i, v in enumerate(([0.1], [], [1e308]*300, [1e200, -0.5]*200, [0.0]*300, [-1.0]+[0.1]*300, [1e-320]*100+[2e-320]*100)):
        show("values", root.submit("alpha", "mom", {"returns": {"values": v, "start": "2020-01-01", "interval": "1d"}}, run_id=f"v{i}"))
    for i, v in enumerate(([1.0], [1.0, 0.0, 1.0], [1e-308, 1e308, 1.0], [-1.0, 2.0, 3.0], [1.0, -1.0])):
        show("equity", root.submit("alpha", "mom", {"equity": {"values": v, "start": "2020-01-01", "interval": "1d"}}, run_id=f"e{i}"))
        show("equity cap", root.submit("alpha", "mom", {"equity": {"values": v, "start": "2020-01-01", "interval": "1d", "starting_capital": 1.0}}, run_id=f"ec{i}"))
    for i, v in enumerate(([1.0], [-5.0, 1.0], [1e308, 1e308], [0.0, 0.0])):
        show("pnl", root.submit("alpha", "mom", {"pnl": {"values": v, "start": "2020-01-01", "interval": "1d", "starting_capital": 1.0}}, run_id=f"p{i}"))
    print(root.evaluate("alpha"))
    for r in body(root.get("/worlds/alpha/strategies/mom/runs?limit=100"))["items"]:
        print(r["run_id"], r["status"], r["summary"] and [(v["reason_code"], v["reason"][:100]) for v in r["summary"]["violations"]])
        if r["links"]["metrics"]:
            show("m", root.get(r["links"]["metrics"]))
    import time
    t=time.time(); show("many bad", root.submit("alpha","mom", {"returns": {"values": ["a"]*3_000_000, "start":"2020-01-01","interval":"1d"}}, run_id="bad")); print(time.time()-t)
    t=time.time(); show("many bad", root.submit("alpha","mom", {"returns": {"values": ["a"]*1_000_000, "start":"2020-01-01","interval":"1d"}}, run_id="bad")); print(time.time()-t)
    t=time.time(); show("many keys", root.post("/worlds", {"id":"many", **{f"k{i}":1 for i in range(500000)}})); print(time.time()-t)
    for p in ("/worlds/%00", "/worlds/a%0A", "/worlds/../x", "/nope", "/worlds/", "/worlds/ALPHA", "/worlds/latest", "/worlds/alpha/strategies/mom/runs/LATEST", "/admin/nope", "/worlds/alpha/policies/0", "/worlds?cursor=%00", "/worlds?limit=%C2%B2", "/worlds?cursor=bnVsbA", "/static/x"):
        show(p, root.get(p))
    for m in ("OPTIONS", "TRACE", "FOO", "PUT"):
        show(m, root.call(m, "/worlds/alpha"))
        show(m, root.call(m, "/schema/"))
        show(m, root.call(m, "/worlds/alpha/strategies/mom/runs/r1"))
    show("clen", root.client.generic("POST", "/worlds", b"{}", content_type="application/json", HTTP_AUTHORIZATION=f"Bearer {root.token}", CONTENT_LENGTH="²"))
    s = root.get("/schema/?format=json")
    doc = orjson.loads(s.content)
    for p, ops in doc["paths"].items():
        print(p, [ (o.get("parameters") and [x["name"] for x in o["parameters"]]) for o in ops.values()])
