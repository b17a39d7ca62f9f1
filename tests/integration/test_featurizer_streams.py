"""Queueing, deadlines, cancellation: requests that wait behind a batch, which runs when the test says so."""

import asyncio

import grpc
import pytest

from sightline.proto import featurizer_pb2 as pb
from tests.integration.gated_featurizer import FREE, WAIT_S, bench, request, run, shades


def test_what_queues_up_behind_a_batch_is_the_next_one(tmp_path):
    async def test() -> None:
        async with bench(tmp_path) as b:
            calls = [b.stub.Predict() for _ in range(3)]
            await calls[0].write(request(1, 10))
            assert await b.engine.next_batch() == [10]  # at once, alone
            await calls[0].write(request(2, 20, 21))
            await b.until(lambda: b.queue_rows == 2)
            await calls[1].write(request(1, 30))
            await b.until(lambda: b.queue_rows == 3)
            await calls[2].write(request(1, 40, priority=5))
            await b.until(lambda: b.queue_rows == 4)
            b.engine.gate.release(2)
            assert await b.engine.next_batch() == [40, 20, 21, 30]
            first, second = await calls[0].read(), await calls[0].read()
            assert (first.request_id, shades(first), first.timing.batch_rows) == (1, [10], 1)
            assert (second.request_id, shades(second), second.timing.batch_rows) == (2, [20, 21], 4)
            assert shades(await calls[1].read()) == [30]
            assert shades(await calls[2].read()) == [40]

    run(test())


def test_a_batch_is_of_one_signature(tmp_path):
    async def test() -> None:
        async with bench(tmp_path) as b:
            call = b.stub.Predict()
            await call.write(request(1, 10))
            await b.engine.next_batch()
            for number, signature in enumerate(["", "shade", "predict", "shade"], start=2):
                await call.write(request(number, 10 * number, signature=signature))
            await b.until(lambda: b.queue_rows == 4)
            b.engine.gate.release(3)
            assert [await b.engine.next_batch() for _ in range(2)] == [[20, 40], [30, 50]]
            answers = {each.request_id: each for each in [await call.read() for _ in range(5)]}
            assert [shades(answers[number]) for number in (1, 2, 4)] == [[10], [20], [40]]
            assert [list(answers[number].results[0].values) for number in (3, 5)] == [
                [pytest.approx(30 / 170)],
                [pytest.approx(50 / 150)],
            ]
            assert not answers[3].results[0].classes and not answers[2].results[0].values

    run(test())


def test_values_are_of_the_promised_shape_and_finite(tmp_path):
    async def test() -> None:
        async with bench(tmp_path) as b:
            b.engine.gate.release(FREE)
            call = b.stub.Predict()
            await call.write(request(1, 7, signature="grid"))
            values = (await call.read()).results[0].values
            assert list(values[:6]) == [7, 0, 7, 1, 7, 2] and len(values) == 2000
            await call.write(request(2, 100, 200, signature="shade"))
            assert [each.status for each in (await call.read()).results] == [pb.OK, pb.MODEL_ERROR]
            await call.write(request(3, 1, signature="lies"))
            assert [each.status for each in (await call.read()).results] == [pb.MODEL_ERROR]

    run(test())


def test_an_answer_too_large_to_send_is_refused_and_the_stream_goes_on(tmp_path):
    async def test() -> None:
        async with bench(tmp_path, message_bytes_max=16_000) as b:
            b.engine.gate.release(FREE)
            call = b.stub.Predict()
            await call.write(request(1, 7, 8, signature="grid"))
            refused = await call.read()
            assert refused.status == pb.INVALID_ARGUMENT and "message_bytes_max" in refused.detail
            await call.write(request(2, 7, signature="grid"))
            assert len((await call.read()).results[0].values) == 2000

    run(test())


def test_signatures_are_listed_with_the_shape_of_their_output(tmp_path):
    async def test() -> None:
        async with bench(tmp_path) as b:
            (model,) = (await b.stub.ListModels(pb.ListModelsRequest())).models
            assert [(each.name, each.output, list(each.shape)) for each in model.signatures] == [
                ("grid", pb.VALUES, [-1, 2]),
                ("lies", pb.VALUES, [3]),
                ("predict", pb.CLASSES, [256]),
                ("shade", pb.VALUES, [1]),
            ]

    run(test())


def test_a_request_larger_than_a_batch_is_split_and_answered_whole(tmp_path):
    async def test() -> None:
        async with bench(tmp_path, batch_rows_max=2) as b:
            call = b.stub.Predict()
            b.engine.gate.release(3)
            await call.write(request(1, 1, 2, 3, 4, 5))
            assert [await b.engine.next_batch() for _ in range(3)] == [[1, 2], [3, 4], [5]]
            response = await call.read()
            assert shades(response) == [1, 2, 3, 4, 5]
            assert response.timing.batch_rows == 2

    run(test())


def test_a_deadline_that_passes_in_the_queue_is_answered_without_running(tmp_path):
    async def test() -> None:
        async with bench(tmp_path) as b:
            call = b.stub.Predict()
            await call.write(request(1, 10))
            await b.engine.next_batch()
            await call.write(request(2, 20, timeout_ms=1))
            await call.write(request(3, 30, timeout_ms=60_000))
            await b.until(lambda: b.queue_rows == 2)
            await asyncio.sleep(0.002)  # the deadline's own length
            b.engine.gate.release(2)
            assert await b.engine.next_batch() == [30]
            answers = {each.request_id: each for each in [await call.read() for _ in range(3)]}
            assert answers[2].status == pb.DEADLINE_EXCEEDED
            assert (shades(answers[1]), shades(answers[3])) == ([10], [30])

    run(test())


def test_beyond_the_queue_requests_are_refused_at_once(tmp_path):
    async def test() -> None:
        async with bench(tmp_path, queue_rows_max=3) as b:
            call = b.stub.Predict()
            await call.write(request(1, 10))
            await b.engine.next_batch()
            await call.write(request(2, 20, 21))
            await call.write(request(3, 30, 31))  # 4 rows
            await call.write(request(4, 40))  # fits
            refused = await call.read()
            assert (refused.request_id, refused.status) == (3, pb.RESOURCE_EXHAUSTED)
            await call.write(request(5, 50, 51, 52, 53))
            refused = await call.read()
            assert (refused.request_id, refused.status) == (5, pb.INVALID_ARGUMENT)  # never fits
            b.engine.gate.release(2)
            assert [shades(await call.read()) for _ in range(3)] == [[10], [20, 21], [40]]

    run(test())


def test_a_cancelled_stream_takes_its_requests_along_and_no_others(tmp_path):
    async def test() -> None:
        async with bench(tmp_path) as b:
            leaving, staying = b.stub.Predict(), b.stub.Predict()
            await leaving.write(request(1, 10))
            await b.engine.next_batch()
            await leaving.write(request(2, 20, 21))
            await b.until(lambda: b.queue_rows == 2)
            await staying.write(request(1, 30))
            await b.until(lambda: b.queue_rows == 3)
            leaving.cancel()
            await b.until(lambda: b.queue_rows == 1)
            b.engine.gate.release(2)
            assert await b.engine.next_batch() == [30]
            assert shades(await staying.read()) == [30]

    run(test())


def test_a_stream_is_read_no_further_than_its_bound(tmp_path):
    async def test() -> None:
        async with bench(tmp_path, stream_requests_max=3) as b:
            call = b.stub.Predict()
            for number in range(1, 9):
                await call.write(request(number, number))
            await b.engine.next_batch()
            await b.until(lambda: b.queue_rows == 2)  # three unanswered: one runs, two wait
            other = b.stub.Predict()
            await other.write(request(1, 100))
            await b.until(lambda: b.queue_rows == 3)  # the rest of the first stream was not read meanwhile
            b.engine.gate.release(FREE)
            assert sorted([shades(await call.read())[0] for _ in range(8)]) == list(range(1, 9))
            assert shades(await other.read()) == [100]

    run(test())


def test_closing_the_sending_side_ends_the_stream_after_the_last_answer(tmp_path):
    async def test() -> None:
        async with bench(tmp_path) as b:
            call = b.stub.Predict()
            await call.write(request(1, 10))
            await call.done_writing()
            await b.engine.next_batch()
            b.engine.gate.release()
            assert shades(await call.read()) == [10]
            assert await call.read() is grpc.aio.EOF
            assert await call.code() is grpc.StatusCode.OK

    run(test())


@pytest.mark.parametrize("finishes", [True, False])
def test_draining_answers_what_was_accepted_within_its_time(tmp_path, finishes):
    async def test() -> None:
        async with bench(tmp_path) as b:
            call = b.stub.Predict()
            await call.write(request(1, 10))
            await b.engine.next_batch()
            draining = asyncio.create_task(b.servicer.drain(WAIT_S if finishes else 0.01))
            assert (await call.read()).draining
            await call.write(request(2, 20))
            late = await call.read()
            assert (late.request_id, late.status) == (2, pb.UNAVAILABLE)
            if finishes:
                b.engine.gate.release()
                assert shades(await call.read()) == [10]
                assert await call.read() is grpc.aio.EOF
            await draining

    run(test())


def test_before_the_models_are_loaded(tmp_path):
    async def test() -> None:
        async with bench(tmp_path, loaded=False) as b:
            call = b.stub.Predict()
            await call.write(request(1, 10))
            assert (await call.read()).status == pb.UNAVAILABLE
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await b.stub.ListModels(pb.ListModelsRequest())
            assert error.value.code() is grpc.StatusCode.UNAVAILABLE

    run(test())
