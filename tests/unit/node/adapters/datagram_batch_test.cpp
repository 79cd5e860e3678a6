#include "node/adapters/datagram_batch.h"

#include <gtest/gtest.h>

#include "node/adapters/udp_binding.h"

namespace kadwire::node {
namespace {

BoundSocket bound(std::string_view address) {
  auto socket = bind_udp({*IpAddress::parse(address), 0});
  EXPECT_TRUE(socket) << socket.error().message;
  EXPECT_TRUE(prepare_for_batches(socket->fd.get(), socket->local.address.family()));
  return std::move(*socket);
}

DatagramRun one(std::string_view text) {
  return {as_bytes(text), text.size()};
}

TEST(DatagramBatch, FindsNothingAtASocketWhereNothingIs) {
  const BoundSocket socket = bound("127.0.0.1");
  EXPECT_EQ(ArrivalBatch().receive(socket.fd.get()), 0u);
}

TEST(DatagramBatch, SaysWhoSentADatagramAndToWhichAddress) {
  for (const char* address : {"127.0.0.1", "::1"}) {
    const BoundSocket sender = bound(address), receiver = bound(address);
    DepartureBatch departures;
    departures.add({receiver.local, std::nullopt, one("hello")});
    EXPECT_EQ(departures.send(sender.fd.get()).packets, 1u);
    ArrivalBatch arrivals;
    ASSERT_EQ(arrivals.receive(receiver.fd.get()), 1u);
    const auto arrival = arrivals.at(0);
    ASSERT_TRUE(arrival);
    EXPECT_EQ(arrival->from, sender.local);
    EXPECT_EQ(arrival->at, receiver.local.address);
    EXPECT_EQ(as_text(arrival->run.bytes), "hello");
    EXPECT_EQ(arrival->run.datagrams(), 1u);
  }
}

TEST(DatagramBatch, SendsWhatFollowsADatagramThatTheHostRefuses) {
  const BoundSocket sender = bound("127.0.0.1"), receiver = bound("127.0.0.1");
  const Endpoint broadcast = *Endpoint::parse("255.255.255.255:9");  // needs SO_BROADCAST
  DepartureBatch departures;
  departures.add({receiver.local, std::nullopt, one("first")});
  departures.add({broadcast, std::nullopt, one("refused")});
  departures.add({receiver.local, std::nullopt, one("last")});
  const SendResult result = departures.send(sender.fd.get());
  EXPECT_EQ(result.packets, 2u);
  EXPECT_EQ(result.bytes, 9u);
  EXPECT_EQ(result.failed, 1u);
  EXPECT_TRUE(departures.empty());
  ArrivalBatch arrivals;
  EXPECT_EQ(arrivals.receive(receiver.fd.get()), 2u);
}

TEST(DatagramBatch, TakesWhatTheKernelJoinedAsOneRun) {
  const BoundSocket sender = bound("127.0.0.1"), receiver = bound("127.0.0.1");
  DepartureBatch departures;
  departures.add({receiver.local, std::nullopt, {as_bytes("aaaabbbbcc"), 4}});
  EXPECT_EQ(departures.send(sender.fd.get()).packets, 3u);
  ArrivalBatch arrivals;
  ASSERT_EQ(arrivals.receive(receiver.fd.get()), 1u);
  const auto arrival = arrivals.at(0);
  ASSERT_TRUE(arrival);
  EXPECT_EQ(as_text(arrival->run.bytes), "aaaabbbbcc");
  EXPECT_EQ(arrival->run.datagram_bytes, 4u);
}

TEST(DatagramBatch, SendsAsOneWhatIsForOnePlaceAndOfOneSize) {
  const BoundSocket sender = bound("127.0.0.1"), receiver = bound("127.0.0.1");
  DepartureBatch departures;
  departures.add({receiver.local, std::nullopt, one("aaaa")});
  departures.add({receiver.local, std::nullopt, {as_bytes("bbbbcccc"), 4}});
  departures.add({receiver.local, std::nullopt, one("dd")});    // shorter: the last of these
  departures.add({receiver.local, std::nullopt, one("eeee")});  // begins anew
  departures.add({receiver.local, std::nullopt, one("ffffff")});
  departures.add({receiver.local, std::nullopt, one("")});
  const SendResult result = departures.send(sender.fd.get());
  EXPECT_EQ(result.packets, 7u);
  EXPECT_EQ(result.bytes, 24u);
  ArrivalBatch arrivals;
  ASSERT_EQ(arrivals.receive(receiver.fd.get()), 4u);
  const char* const expected[] = {"aaaabbbbccccdd", "eeee", "ffffff", ""};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(as_text(arrivals.at(i)->run.bytes), expected[i]);
  EXPECT_EQ(arrivals.at(0)->run.datagram_bytes, 4u);
}

TEST(DatagramBatch, KeepsWhatIsForDifferentPlacesApartAndInOrder) {
  const BoundSocket sender = bound("127.0.0.1"), a = bound("127.0.0.1"), b = bound("127.0.0.1");
  DepartureBatch departures;
  for (const char* text : {"1111", "2222"}) {
    departures.add({a.local, std::nullopt, one(text)});
    departures.add({b.local, std::nullopt, one(text)});
  }
  EXPECT_EQ(departures.send(sender.fd.get()).packets, 4u);
  for (const BoundSocket* socket : {&a, &b}) {
    ArrivalBatch arrivals;
    ASSERT_EQ(arrivals.receive(socket->fd.get()), 2u);
    EXPECT_EQ(as_text(arrivals.at(0)->run.bytes), "1111");
    EXPECT_EQ(as_text(arrivals.at(1)->run.bytes), "2222");
  }
}

TEST(DatagramBatch, SendsMoreThanLeavesAsOneInSeveral) {
  const BoundSocket sender = bound("127.0.0.1"), receiver = bound("127.0.0.1");
  const std::string large(1400, 'x');
  DepartureBatch departures;
  while (!departures.full()) departures.add({receiver.local, std::nullopt, one(large)});
  const SendResult result = departures.send(sender.fd.get());
  EXPECT_EQ(result.packets, kBatchMax);
  EXPECT_EQ(result.bytes, kBatchMax * large.size());
  ArrivalBatch arrivals;
  const std::size_t received = arrivals.receive(receiver.fd.get());
  std::size_t datagrams = 0;
  for (std::size_t i = 0; i < received; ++i) datagrams += arrivals.at(i)->run.datagrams();
  EXPECT_EQ(datagrams, kBatchMax);
}

TEST(DatagramBatch, CountsDatagramsOfARunOfWhichTheLastIsShorter) {
  const DatagramRun run{as_bytes("aaaabb"), 4};
  EXPECT_EQ(run.datagrams(), 2u);
  EXPECT_EQ(as_text(run.datagram(0)), "aaaa");
  EXPECT_EQ(as_text(run.datagram(1)), "bb");
  EXPECT_EQ((DatagramRun{{}, 0}.datagrams()), 1u);
}

}  // namespace
}  // namespace kadwire::node
