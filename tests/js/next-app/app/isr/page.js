export const revalidate = 3600;

export default async function Page() {
  const data = await fetch(`${process.env.SOURCE}/isr`, { next: { tags: ["posts"], revalidate: 3600 } });
  return <p>{`isr=${await data.text()};`}</p>;
}
